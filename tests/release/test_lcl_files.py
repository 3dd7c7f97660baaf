"""lcl/ of a release: paths that are there, rows of one split, what is needed to run them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from isekai_gen.errors import ChecksumError, ReleaseError
from isekai_gen.manifests.check import check_manifest
from isekai_gen.manifests.lcl_files import write_descriptions, write_test_files
from isekai_gen.manifests.lcl_split import LclClass
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.building.lcl_files import RowCounts, count_rows, write_lcl
from isekai_gen.release.layout import CLASSES_FOLDER


@pytest.fixture
def draft(tmp_path):
    (tmp_path / "draft").mkdir()
    return ReleaseDraft(tmp_path / "draft")


def rows_of(draft, name):
    return [json.loads(line) for line in (draft.folder / name).read_text().splitlines()]


def paths_of(row):
    return [row["image_name"], *row["positive_list"], *row["negative_list"]]


def paths(draft):
    return [listed.path for listed in draft.listed()]


def divided_images(small):
    return replace(small.content, splits=small.divided()).released_images()


def test_manifests_keep_every_rule_and_name_released_images(small, draft):
    images = small.content.released_images()
    written = write_lcl(draft, small.workspace, images)
    released = {image.path for image in images}
    assert set(written) == {"lcl/ISEKAI-10.json", "lcl/ISEKAI-pair.json"}
    for name, count in written.items():
        rows = rows_of(draft, name)
        assert len(rows) == count > 0
        assert check_manifest(rows) == []
        assert {path for row in rows for path in paths_of(row)} <= released
    assert paths(draft) == sorted(
        [*written, "lcl/README.md", "lcl/labels.jsonl", "lcl/lcl_eval_isekai_gen.py"]
    )


def test_the_readme_tells_the_release_and_the_config_names_the_manifests(small, draft):
    write_lcl(draft, small.workspace, small.content.released_images())
    readme = (draft.folder / "lcl/README.md").read_text()
    assert "relative to the\nroot of the release" in readme
    assert "for shot in 0 1 2; do" in readme
    assert "Rows that are not here" not in readme
    config = (draft.folder / "lcl/lcl_eval_isekai_gen.py").read_text()
    compile(config, "config", "exec")
    assert "ISEKAI-10.json" in config
    assert "ISEKAI-pair.json" in config


def test_every_label_has_its_display_name(small, draft):
    write_lcl(draft, small.workspace, small.content.released_images())
    rows = rows_of(draft, "lcl/labels.jsonl")
    assert [row["slug"] for row in rows] == ["cactihog", "hedgehog", "icemic", "teapot"]
    asked = {row["label_name"] for row in rows_of(draft, "lcl/ISEKAI-10.json")}
    assert asked == {row["label"] for row in rows}


def test_rows_that_mix_splits_are_left_out_and_told(small, draft):
    images = divided_images(small)
    before = count_rows(small.workspace, small.content.released_images())
    counts = count_rows(small.workspace, images)
    assert counts["ISEKAI-10"] == before["ISEKAI-10"]  # a group is of one split
    assert counts["ISEKAI-pair"] == RowCounts(0, before["ISEKAI-pair"].rows)
    written = write_lcl(draft, small.workspace, images)
    assert list(written) == ["lcl/ISEKAI-10.json"]
    readme = (draft.folder / "lcl/README.md").read_text()
    assert f"* `ISEKAI-pair.json`: {counts['ISEKAI-pair'].left_out} rows" in readme
    assert "ISEKAI-pair" not in (draft.folder / "lcl/lcl_eval_isekai_gen.py").read_text()


def test_both_rows_of_a_question_go_when_one_mixes_splits(small, draft):
    images = small.content.released_images()
    row = json.loads((small.workspace.manifests / "ISEKAI-10.json").read_text().splitlines()[0])
    query = next(each for each in images if each.record.path == row["image_name"])
    moved = [replace(each, split="train") if each is query else each for each in images]
    written = write_lcl(draft, small.workspace, moved)
    rows = rows_of(draft, "lcl/ISEKAI-10.json")
    split_of = {image.path: image.split for image in moved}
    assert len(rows) == written["lcl/ISEKAI-10.json"]
    assert check_manifest(rows) == []
    for row in rows:
        assert len({split_of[path] for path in paths_of(row)}) == 1
    asked = Counter(row["label_name"] for row in rows)
    assert asked["cactihog"] == asked["hedgehog"]


def test_a_workspace_without_manifests_has_no_lcl(small, draft):
    for path in small.workspace.manifests.iterdir():
        path.unlink()
    assert write_lcl(draft, small.workspace, small.content.released_images()) == {}
    assert draft.listed() == []


def test_a_manifest_of_an_image_that_is_not_kept_is_refused(small, draft):
    images = small.content.released_images()[1:]
    for act in (lambda: count_rows(small.workspace, images),
                lambda: write_lcl(draft, small.workspace, images)):  # fmt: skip
        with pytest.raises(ReleaseError, match="is not a kept image; run isekai-gen manifest"):
            act()


@pytest.mark.parametrize("line", ["[1]", "{", '{"image_name": "a"}', '{"positive_list": 3}'])
def test_a_damaged_manifest_is_named(small, draft, line):
    source = small.workspace.manifests / "ISEKAI-10.json"
    source.write_text(f"{line}\n")
    with pytest.raises(ChecksumError, match=r"ISEKAI-10\.json"):
        write_lcl(draft, small.workspace, small.content.released_images())


def write_classes(folder):
    folder.mkdir(parents=True)
    classes = [
        LclClass(str(n), f"n0000000{n}", f"bird {n}", tuple(f"val/{n}/{i}.JPEG" for i in range(4)))
        for n in (1, 2)
    ]
    rows = [
        {
            "class_id": each.class_id,
            "class_name": each.name,
            "context_samples": list(each.images[:2]),
            "test_samples": list(each.images[2:]),
        }
        for each in classes
    ]
    name = write_test_files(folder, classes, rows)
    summary = {"schema": 1, "test": {"file": name, "rows": 2, "context": 2}}
    write_descriptions(folder, [{"key": each.key} for each in classes], summary)


def test_rows_of_another_dataset_are_copied_as_they_are(small, draft):
    folder = small.workspace.manifests / "lcl"
    write_classes(folder)
    (folder / "stray.bin").write_bytes(b"not ours")
    written = write_lcl(draft, small.workspace, small.content.released_images())
    copied = [path for path in paths(draft) if path.startswith(CLASSES_FOLDER)]
    names = {"README.md", "classes.jsonl", "lcl_eval_test_isekai_gen.py", "summary.json",
             "test.jsonl", "test2_pairs.jsonl"}  # fmt: skip
    assert {path.removeprefix(f"{CLASSES_FOLDER}/") for path in copied} == names
    for path in copied:
        source = folder / path.removeprefix(f"{CLASSES_FOLDER}/")
        assert (draft.folder / path).read_bytes() == source.read_bytes()
    assert not any(path.startswith(CLASSES_FOLDER) for path in written)


def test_incomplete_rows_of_another_dataset_are_refused(small, draft):
    folder = small.workspace.manifests / "lcl"
    write_classes(folder)
    (folder / "test.jsonl").unlink()
    with pytest.raises(ReleaseError, match=r"has no test\.jsonl"):
        write_lcl(draft, small.workspace, small.content.released_images())
