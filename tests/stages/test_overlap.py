"""Real-world overlap on tiny real models: references, copies, names, alignment, the report."""

import csv
import io
import json
import shutil
import tomllib

import numpy as np
import pytest

from isekai_gen.errors import ChecksumError, InputError
from isekai_gen.intervals import wilson_interval
from isekai_gen.stages import reference_copies
from isekai_gen.stages.curate import verdicts_of
from isekai_gen.stages.embed import embed
from isekai_gen.stages.generate import generate
from isekai_gen.stages.overlap import check_overlap, judge_overlap
from isekai_gen.stages.overlap_report import judge_and_report
from isekai_gen.stages.reference_add import add_reference
from isekai_gen.workspace import Workspace
from tests.small_jobs import call, digests, write_job
from tests.stages.overlap_jobs import (
    context_of,
    in_this_process,
    noise_picture,
    pictures_of,
    resaved,
    save_few_classes,
)

COPIES = {"references": ("photos",), "max_similarity": 0.9999, "review_similarity": 0.5}
# Noise that tiny models draw and look at is all alike: this limit tells equal pictures only.


@pytest.fixture(autouse=True)
def _in_this_process():
    with in_this_process():
        yield


@pytest.fixture(scope="module")
def made(tiny_generator, tiny_encoder, tmp_path_factory):
    """24 images, classes, and a folder of photos with copies of fictional and real images."""
    folder = tmp_path_factory.mktemp("overlap")
    root = folder / "ws"
    context = context_of(root, tiny_generator, tiny_encoder)
    with in_this_process():
        generate(context, write_job(folder).request)
        embed(context)
    save_few_classes(root, tiny_encoder)
    fictional, real = pictures_of(root, "fictional"), pictures_of(root, "real")
    photos = folder / "photos"
    for name in ("owl", "n01440764"):
        (photos / name).mkdir(parents=True)
        for seed in range(3):
            noise_picture(seed + len(name)).save(photos / name / f"{seed}.png")
    ids = sorted(fictional)
    (photos / "owl" / "bytes.png").write_bytes(fictional[ids[0]].read_bytes())
    (photos / "owl" / "pixels.png").write_bytes(resaved(fictional[ids[1]]))
    (photos / "owl" / "real.png").write_bytes(next(iter(real.values())).read_bytes())
    (photos / "single").mkdir()
    noise_picture(99).save(photos / "single" / "one.png")
    (photos / "owl" / "torn.png").write_bytes(fictional[ids[0]].read_bytes()[:60])
    (photos / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def context_with(folder, tiny_generator, tiny_encoder):
    """A context on the copy, with further settings."""

    def make(**sections):
        return context_of(folder / "ws", tiny_generator, tiny_encoder, **sections)

    return make


@pytest.fixture
def with_photos(context_with, folder):
    """The reference set `photos` is made; what a context with it is."""
    add_reference(context_with(), "photos", folder / "photos")
    return lambda **sections: context_with(**{"reference_copy": COPIES, **sections})


def verdicts(context, name):
    return verdicts_of(context.workspace, name)


def report_of(context):
    path = context.workspace.reports / "fictionality.json"
    return json.loads(path.read_text())


def test_a_byte_copy_and_a_pixel_copy_are_dropped_and_name_the_photo(with_photos, folder):
    context = with_photos()
    judge_overlap(context)
    ids = sorted(pictures_of(folder / "ws", "fictional"))
    found = verdicts(context, "reference_copy")
    for image_id, photo in ((ids[0], "owl/bytes.png"), (ids[1], "owl/pixels.png")):
        assert (found[image_id].keep, found[image_id].measured) == (False, 1.0)
        assert found[image_id].reason == "copy_of_reference_image"
        assert found[image_id].reference == f"photos/{photo}"
    real = pictures_of(folder / "ws", "real")
    assert {found[image_id].reason for image_id in real} == {"real_concept"}
    assert {found[image_id].keep for image_id in real} == {True}


def test_equality_is_told_by_digest_where_similarities_do_not_tell(with_photos, folder):
    context = with_photos()
    judge_overlap(context)
    stored = next((context.workspace.neighbors).glob("photos-*"))
    rows = [row for path in sorted(stored.glob("*.parquet")) for row in read_rows(path)]
    equal = {row["image_id"]: row["equal"] for row in rows if row["equal"]}
    ids = sorted(pictures_of(folder / "ws", "fictional"))
    real = next(iter(pictures_of(folder / "ws", "real")))
    assert equal == {ids[0]: "same_bytes", ids[1]: "same_pixels", real: "same_bytes"}


def read_rows(path):
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(path).read().to_pylist()


def test_another_limit_decides_again_and_searches_nothing(with_photos, monkeypatch):
    context = with_photos()
    judge_overlap(context)
    found = verdicts(context, "reference_copy")
    highest = max(v.measured for v in found.values() if v.measured is not None and v.keep)
    monkeypatch.setattr(reference_copies, "search_nearest", None)

    def dropped_at(limit):
        judge_overlap(with_photos(reference_copy={**COPIES, "max_similarity": limit}))
        return {i for i, v in verdicts(context, "reference_copy").items() if not v.keep}

    at = dropped_at(highest)
    more = dropped_at(float(np.nextafter(highest, 0)))
    assert len(at) == 2
    assert more > at
    assert {found[image_id].measured for image_id in more - at} == {highest}


def test_a_lower_review_limit_lists_every_pair_above_it(with_photos, monkeypatch):
    monkeypatch.setattr(reference_copies, "NEAREST", 2)

    def rows_down_to(review):
        judge_overlap(with_photos(reference_copy={**COPIES, "review_similarity": review}))
        folder = next(with_photos().workspace.neighbors.glob("photos-*"))
        return [row for path in sorted(folder.glob("*.parquet")) for row in read_rows(path)]

    few, all_pairs = rows_down_to(0.9999), rows_down_to(-1.0)
    assert len(few) < len(all_pairs) == 24 * 10
    assert {row["rank"] for row in few if row["similarity"] < 0.9999} == {1, 2}
    assert [row for row in all_pairs if row in few] == few


def test_images_that_were_compared_are_not_compared_again(with_photos, monkeypatch):
    context = with_photos()
    judge_overlap(context)
    seen = []
    search = reference_copies.search_nearest

    def counted(queries, *rest, **options):
        seen.append(queries.shape[0])
        return search(queries, *rest, **options)

    monkeypatch.setattr(reference_copies, "search_nearest", counted)
    assert not judge_overlap(context).decided
    assert seen == []
    before = digests(context.workspace.root, ["neighbors", "verdicts"])
    part = next(context.workspace.root.glob("done/reference-copies/*/part-00001.json"))
    part.unlink()
    judge_overlap(context)
    assert len(seen) == 1
    assert 0 < seen[0] < 24  # the images of that shard alone
    assert digests(context.workspace.root, ["neighbors", "verdicts"]) == before


def test_searching_in_batches_changes_nothing(with_photos, monkeypatch):
    context = with_photos()
    judge_overlap(context)
    before = digests(context.workspace.root, ["neighbors", "verdicts"])
    shutil.rmtree(context.workspace.root / "done/reference-copies")
    monkeypatch.setattr(reference_copies, "_IMAGES_AT_ONCE", 1)
    judge_overlap(context)
    assert digests(context.workspace.root, ["neighbors", "verdicts"]) == before


def test_a_reference_that_is_no_longer_named_drops_nothing(with_photos, context_with):
    judge_overlap(with_photos())
    judge_overlap(context_with())
    found = verdicts(context_with(), "reference_copy")
    assert {v.reason for v in found.values()} == {"nothing_to_judge"}


def test_without_image_references_that_filter_leaves_no_trace(context_with):
    report = judge_overlap(context_with())
    assert [one.by for one in report.verdicts] == ["name_overlap", "class_overlap", "alignment"]
    assert not (context_with().workspace.root / "verdicts/reference_copy").exists()


def test_a_damaged_reference_is_said_before_anything_is_compared(with_photos):
    context = with_photos()
    path = context.workspace.reference("photos") / "images.npy"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ChecksumError, match=r"images\.npy is not what was written"):
        judge_overlap(context)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"references": ("photos", "photos")}, "named twice"),
        ({"references": ("few",)}, "has no images"),
        ({"references": ("absent",)}, "no reference set 'absent'"),
        ({"max_similarity": 1.0}, r"max_similarity must be in \[-1, 1\)"),
        ({"review_similarity": 0.99995}, "review_similarity must be in"),
    ],
)
def test_what_cannot_be_compared_is_refused(with_photos, changes, said):
    with pytest.raises(InputError, match=said):
        judge_overlap(with_photos(reference_copy={**COPIES, **changes}))


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"reference_copy": {"references": ("absent",)}}, "no reference set 'absent'"),
        ({"class_overlap": {"reference": "absent"}}, "no reference set 'absent'"),
        ({"reference_copy": {"max_similarity": 1.0}}, "max_similarity must be in"),
        ({"class_overlap": {"own_quantile": 0.3}}, "own_quantile must be one of"),
    ],
)
def test_what_would_be_refused_later_is_refused_at_once(context_with, sections, said):
    check_overlap(context_with())
    with pytest.raises(InputError, match=said):
        check_overlap(context_with(**sections))


def test_photos_without_classes_cannot_be_the_classes(context_with, folder):
    flat = folder / "flat"
    flat.mkdir()
    noise_picture(1).save(flat / "one.png")
    add_reference(context_with(), "flat", flat)
    with pytest.raises(InputError, match="no classes with names"):
        judge_overlap(context_with(class_overlap={"reference": "flat"}))


def test_photos_in_class_folders_can_be_the_classes(with_photos):
    context = with_photos(class_overlap={"reference": "photos"})
    judge_and_report(context)
    report = report_of(context)
    assert report["reference"]["classes"] == 2
    assert report["percentiles_known"] == [0.0, 1.0]
    assert {near["key"] for near in report["concepts"][0]["nearest"]} == {"owl", "n01440764"}


def test_the_numbers_of_the_report_add_up(with_photos):
    context = with_photos()
    judge_and_report(context)
    report = report_of(context)
    assert [row["concept"] for row in report["concepts"]] == ["cactihog", "mushroom-haven"]
    for key in ("images", "judged", "left_out"):
        assert report["totals"][key] == sum(row[key] for row in report["concepts"])
    for row in report["concepts"]:
        assert row["images"] == row["judged"] + row["left_out"] == 6
        for counts in row["reasons"].values():
            assert sum(counts.values()) == row["images"]
        shares = [*row["over_quantile"].values(), row["by_text"]["nearer"]]
        for share in [*shares, row["by_images"]["nearer"]]:
            expected = wilson_interval(share["images"], share["of"])
            assert (share["share"], share["low"], share["high"]) == (
                expected.estimate,
                expected.low,
                expected.high,
            )
        over = [row["over_quantile"][level]["images"] for level in ("0.05", "0.25", "0.5")]
        assert over == sorted(over, reverse=True)
        ranked = [near["similarity"] for near in row["nearest"]]
        assert len(ranked) == 5
        assert ranked == sorted(ranked, reverse=True)
    copies = verdicts(context, "reference_copy").values()
    assert sum(row["copies"] for row in report["concepts"]) == sum(not v.keep for v in copies) == 2


def test_the_csv_says_what_the_json_says(with_photos):
    context = with_photos()
    outcome = judge_and_report(context)
    text = (context.workspace.reports / "fictionality.csv").read_text()
    lines = list(csv.DictReader(io.StringIO(text)))
    for line, row in zip(lines, report_of(context)["concepts"], strict=True):
        assert line["concept"] == row["concept"]
        assert float(line["over_0.25_high"]) == row["over_quantile"]["0.25"]["high"]
        assert line["nearest_1"] == row["nearest"][0]["key"]
        assert float(line["mean_margin"]) == row["mean_margin"]
    shown = (context.workspace.reports / "fictionality.md").read_text()
    assert shown.count("\n| ") == 1 + len(lines)
    assert all(path.is_file() for path in outcome.files)


def test_the_neighbor_table_has_ten_of_each_kind_in_order(with_photos):
    context = with_photos()
    judge_and_report(context)
    rows = read_rows(context.workspace.neighbors / "images.parquet")
    for kind in ("image", "class", "text"):
        of_kind = [row for row in rows if row["kind"] == kind]
        assert len(of_kind) == 24 * 10
        for start in range(0, len(of_kind), 10):
            ten = of_kind[start : start + 10]
            assert len({row["image_id"] for row in ten}) == 1
            assert [row["rank"] for row in ten] == list(range(1, 11))
            assert len({row["key"] for row in ten}) == 10
            similarities = [row["similarity"] for row in ten]
            assert similarities == sorted(similarities, reverse=True)
        known = {row["percentile"] is None for row in of_kind}
        assert known == {kind != "class"}
    wnids = {row["wnid"] for row in rows if row["key"].startswith("n01440764/")}
    assert wnids == {"n01440764"}
    assert {row["reference"] for row in rows} == {"photos", "few"}


def test_the_report_is_written_once_and_again_when_it_was_changed(with_photos):
    context = with_photos()
    assert judge_and_report(context).worked
    before = digests(context.workspace.root, ["reports", "neighbors", "verdicts", "done"])
    assert not judge_and_report(context).worked
    assert digests(context.workspace.root, ["reports", "neighbors", "verdicts", "done"]) == before
    (context.workspace.reports / "fictionality.md").write_text("better")
    outcome = judge_and_report(context)
    assert (outcome.written, outcome.overlap.decided) == (True, False)
    assert digests(context.workspace.root, ["reports", "neighbors", "verdicts", "done"]) == before


def test_without_prototypes_no_quantile_is_spoken_of(folder, context_with, tiny_encoder):
    shutil.rmtree(folder / "ws/references/few")
    save_few_classes(folder / "ws", tiny_encoder, prototypes=False)
    context = context_with()
    judge_and_report(context)
    report = report_of(context)
    assert report["percentiles_known"] is None
    for row in report["concepts"]:
        assert row["over_quantile"] == {}
        assert row["copies"] is None
        assert {near["percentile"] for near in row["nearest"]} == {None}
    kinds = {row["kind"] for row in read_rows(context.workspace.neighbors / "images.parquet")}
    assert kinds == {"text"}


def test_alignment_is_measured_for_all_and_drops_only_on_request(context_with):
    context = context_with()
    judge_overlap(context)
    kept = verdicts(context, "alignment")
    assert all(verdict.keep and verdict.measured is not None for verdict in kept.values())
    slugs = {verdict.reference for verdict in kept.values()}
    assert slugs <= {"cactihog", "mushroom-haven", "hedgehog", "house"}
    margins = sorted(verdict.measured for verdict in kept.values())
    judge_overlap(context_with(alignment={"min_margin": margins[12]}))
    dropped = [v for v in verdicts(context, "alignment").values() if not v.keep]
    assert len(dropped) == sum(margin < margins[12] for margin in margins)
    workspace: Workspace = context.workspace
    assert f"min_margin = {margins[12]}" in workspace.settings_file.read_text()


def test_the_command_prints_every_filter_and_the_files(with_photos, folder, tiny_encoder):
    root = folder / "ws"
    args = ("overlap", "-w", root, "--encoder", tiny_encoder, "--reference", "few")
    limits = ("--max-copy-similarity", 0.9999, "--review-copy-similarity", 0.5)
    shown = call(*args, "--reference-images", "photos", *limits).stdout
    for name in ("name_overlap", "reference_copy", "class_overlap", "alignment"):
        assert f"{name}: 24 judged" in shown
    assert "copy_of_reference_image: 2" in shown
    assert "fictionality.md" in shown
    # What was said once holds for later commands, and an absolute path is as good as a name.
    said = tomllib.loads((root / "isekai.toml").read_text())["reference_copy"]
    assert (said["references"], said["max_similarity"]) == (["photos"], 0.9999)
    assert "Nothing to do" in call("overlap", "-w", root).stdout
    path = root / "references" / "photos"
    told = json.loads(call("overlap", "-w", root, "--reference-images", path, "--json").stdout)
    assert [one["by"] for one in told["verdicts"]] == [
        "name_overlap",
        "reference_copy",
        "class_overlap",
        "alignment",
    ]
    assert {one["judged"] for one in told["verdicts"]} == {24}
    assert (told["worked"], len(told["files"])) == (False, 4)


def test_the_numbers_of_status_add_up_over_all_filters(with_photos, folder, tiny_encoder):
    judge_overlap(with_photos(alignment={"min_margin": 0.0}))
    status = json.loads(call("status", "-w", folder / "ws", "--json").stdout)
    assert set(status["dropped"]) >= {"reference_copy", "alignment"}
    assert status["generated"] == status["kept"] + sum(status["dropped"].values())


def test_pictures_of_another_encoder_are_refused_with_the_remedy(with_photos):
    context = with_photos(embed={"encoder": "starter"}, class_overlap={"reference": "photos"})
    with pytest.raises(InputError, match=r"made with another encoder .*under another name"):
        judge_overlap(context)
