"""lcl-train and lcl-test of a small real dataset, in a folder that is no workspace yet."""

import json
from dataclasses import replace

import pytest

from isekai_gen.errors import ChecksumError, ManifestError
from isekai_gen.manifests.lcl_check import check_lcl_split
from isekai_gen.manifests.lcl_order import check_class_order
from isekai_gen.shards import read_lines
from isekai_gen.stages.lcl_manifests import LclRequest, write_lcl_manifests
from tests.stages.class_jobs import CLASS_MAP, WNIDS, class_context, in_this_process, write_dataset
from tests.upstream_reader import check_bins, measure_test, read_class_order, read_train

NUMBERS = {"samples": 3, "neighbors": 1, "context": 2, "test_classes": 2}
BOTH = ("lcl-train", "lcl-test")


@pytest.fixture(autouse=True)
def serially():
    with in_this_process():
        yield


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Five classes of four pictures, ILSVRC ids running backwards; never changed."""
    root = write_dataset(tmp_path_factory.mktemp("set"), images=4)
    (root / "map_clsloc.txt").write_text(CLASS_MAP)
    return root


def write(root, encoder, formats, dataset, *, strict=False, **numbers):
    made = class_context(root, encoder)
    settings = made.settings.with_overrides({"manifest": {**NUMBERS, **numbers}})
    context = replace(made, settings=settings)
    with context.workspace.lock():
        reports = write_lcl_manifests(context, formats, LclRequest(dataset, strict=strict))
    return reports, context.reporter


def content_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_upstream_reads_both_formats_of_a_real_folder(tmp_path, dataset, tiny_encoder):
    before = {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()}
    reports, _ = write(tmp_path / "ws", tiny_encoder, BOTH, dataset)
    folder = tmp_path / "ws/manifests/lcl"
    assert [report.path.name for report in reports] == ["train3_pairs.jsonl", "test2_pairs.jsonl"]
    assert [(report.rows, report.shots) for report in reports] == [(3, 0), (2, 2)]
    read_train(reports[0].path, dataset)
    measure_test(reports[1].path, dataset, per_class=2, most=2)
    train, test = (read_lines(report.path) for report in reports)
    assert check_lcl_split(train, test) == []
    check_bins(train, read_class_order(folder / "cls_sort.csv"))
    assert check_class_order((folder / "cls_sort.csv").read_text().splitlines(), train) == []
    assert {path: path.read_bytes() for path in before} == before
    assert not list((tmp_path / "ws").rglob("*.png"))  # images are never copied


def test_ids_are_those_of_the_class_map_and_names_lie_beside(tmp_path, dataset, tiny_encoder):
    write(tmp_path / "ws", tiny_encoder, BOTH, dataset)
    folder = tmp_path / "ws/manifests/lcl"
    classes = {row["wnid"]: row for row in read_lines(folder / "classes.jsonl")}
    assert [classes[wnid]["class_id"] for wnid in WNIDS] == ["5", "4", "3", "2", "1"]
    assert [classes[wnid]["class_index"] for wnid in WNIDS] == [0, 1, 2, 3, 4]
    assert classes[WNIDS[0]]["name"] == "own 1"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["class_ids"] == "ilsvrc"
    assert summary["classes"] == {"found": 5, "train": 3, "test": 2, "left_out": 0}
    for name, split in (("train", "train"), ("test", "test")):
        lines = (folder / f"{name}.jsonl").read_text().splitlines()
        for class_id, words, paths in map(json.loads, lines):
            (row,) = (row for row in classes.values() if row["class_id"] == class_id)
            assert row["split"] == split
            assert words == row["name"].replace(" ", "_")
            assert paths == [f"train/{row['key']}/{row['key']}_{n}.png" for n in range(4)]


def test_without_a_class_map_ids_are_positions(tmp_path, tiny_encoder):
    dataset = write_dataset(tmp_path / "set", images=4)
    write(tmp_path / "ws", tiny_encoder, ["lcl-test"], dataset)
    folder = tmp_path / "ws/manifests/lcl"
    ids = {row["key"]: row["class_id"] for row in read_lines(folder / "classes.jsonl")}
    assert ids == {wnid: str(place) for place, wnid in enumerate(WNIDS, start=1)}
    assert json.loads((folder / "summary.json").read_text())["class_ids"] == "position"


def test_the_same_again_gives_the_same_bytes_wherever_it_is_written(
    tmp_path, dataset, tiny_encoder
):
    for name in "ab":
        write(tmp_path / name, tiny_encoder, BOTH, dataset)
    first = content_of(tmp_path / "a/manifests/lcl")
    assert first == content_of(tmp_path / "b/manifests/lcl")
    for formats in (["lcl-test"], ["lcl-train"]):
        write(tmp_path / "a", tiny_encoder, formats, dataset)
    assert content_of(tmp_path / "a/manifests/lcl") == first


def test_test_classes_need_no_encoder(tmp_path, dataset):
    reports, _ = write(tmp_path / "ws", tmp_path / "no-encoder", ["lcl-test"], dataset)
    assert reports[0].rows == 2


def test_files_of_another_split_are_removed_and_said(tmp_path, dataset, tiny_encoder):
    write(tmp_path / "ws", tiny_encoder, BOTH, dataset)
    folder = tmp_path / "ws/manifests/lcl"
    _, reporter = write(tmp_path / "ws", tiny_encoder, ["lcl-test"], dataset, seed=2)
    names = set(content_of(folder))
    assert not any("train" in name for name in names)
    assert "cls_sort.csv" not in names
    assert any("of another split" in note and "lcl-train" in note for note in reporter.notes)
    assert "train" not in json.loads((folder / "summary.json").read_text())


def test_rows_of_another_number_do_not_stay_beside(tmp_path, tiny_encoder):
    dataset = write_dataset(tmp_path / "set", images=4)
    write(tmp_path / "ws", tiny_encoder, ["lcl-test"], dataset)
    for path in (dataset / "train" / WNIDS[0]).iterdir():
        path.unlink()
    write(tmp_path / "ws", tiny_encoder, ["lcl-train"], dataset)
    rows = sorted(path.name for path in (tmp_path / "ws/manifests/lcl").glob("*_pairs.jsonl"))
    assert rows == ["train2_pairs.jsonl"]


def test_too_few_images_are_said_or_refused(tmp_path, tiny_encoder):
    dataset = write_dataset(tmp_path / "set", images=4)
    (dataset / "train" / WNIDS[0] / f"{WNIDS[0]}_0.png").unlink()
    (dataset / "train" / WNIDS[0] / f"{WNIDS[0]}_1.png").unlink()
    (report,), _ = write(tmp_path / "ws", tiny_encoder, ["lcl-test"], dataset)
    assert "2 images, but 3 samples" in report.skipped[WNIDS[0]]
    with pytest.raises(ManifestError, match=f"--strict: {WNIDS[0]} has 2 images"):
        write(tmp_path / "ws", tiny_encoder, ["lcl-test"], dataset, strict=True)


def test_too_few_classes_are_refused_before_anything_is_embedded(tmp_path, dataset):
    with pytest.raises(ManifestError, match="3 training classes cannot be cut into 36 bins"):
        write(tmp_path / "ws", tmp_path / "no-encoder", ["lcl-train"], dataset, neighbors=36)


@pytest.mark.parametrize("formats", [["lcl-train"], BOTH])
def test_names_that_upstream_misreads_are_refused_before_anything_is_embedded(tmp_path, formats):
    dataset = write_dataset(tmp_path / "set", images=4)
    for wnid in WNIDS:
        (dataset / "train" / wnid).rename(dataset / "train" / f"{wnid} [END EXAMPLE]")
    with pytest.raises(ManifestError, match=r"rename the folders: n\d+ \[END EXAMPLE\]: "):
        write(tmp_path / "ws", tmp_path / "no-encoder", formats, dataset)


def test_a_training_class_without_a_picture_that_opens_is_refused(tmp_path, tiny_encoder):
    dataset = write_dataset(tmp_path / "set", images=4)
    write(tmp_path / "ws", tiny_encoder, ["lcl-test"], dataset)
    classes = read_lines(tmp_path / "ws/manifests/lcl/classes.jsonl")
    broken = next(row["key"] for row in classes if row["split"] == "train")
    for path in (dataset / "train" / broken).iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(ManifestError, match=f"no image of {broken} can be opened"):
        write(tmp_path / "ws", tiny_encoder, ["lcl-train"], dataset)


def test_what_a_crash_left_without_a_summary_is_not_mixed_with_new_rows(
    tmp_path, dataset, tiny_encoder
):
    write(tmp_path / "ws", tiny_encoder, BOTH, dataset)
    folder = tmp_path / "ws/manifests/lcl"
    (folder / "summary.json").unlink()
    _, reporter = write(tmp_path / "ws", tiny_encoder, ["lcl-train"], dataset)
    assert not list(folder.glob("*test*"))
    assert any("test2_pairs.jsonl" in note for note in reporter.notes)


def test_folders_without_images_and_links_out_are_said(tmp_path, tiny_encoder):
    dataset = write_dataset(tmp_path / "set", images=4)
    (dataset / "train" / "empty").mkdir()
    (dataset / "train" / WNIDS[0] / "link.png").symlink_to("/etc/passwd")
    _, reporter = write(tmp_path / "ws", tiny_encoder, ["lcl-test"], dataset)
    assert any("1 folders have no images: empty" in note for note in reporter.notes)
    assert any("link.png is a symbolic link out of" in note for note in reporter.notes)


def test_a_damaged_summary_is_refused(tmp_path, dataset, tiny_encoder):
    write(tmp_path / "ws", tiny_encoder, ["lcl-test"], dataset)
    summary = tmp_path / "ws/manifests/lcl/summary.json"
    whole = json.loads(summary.read_text())
    outside = {**whole, "train": {**whole["test"], "file": "../../../train1_pairs.jsonl/x"}}
    for text in ("[]", "[" * 100_000, json.dumps({**whole, "test": "x"}), json.dumps(outside)):
        summary.write_text(text)
        with pytest.raises(ChecksumError, match=r"summary\.json"):
            write(tmp_path / "ws", tiny_encoder, ["lcl-test"], dataset)
