"""Whatever is changed in the counterfactual samples of a release, verification finds it."""

import hashlib
import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from isekai_gen.release.verification.verify import verify_release
from isekai_gen.shards import read_lines
from tests.release.mutations import edit_json, edit_rows, edit_table, relist
from tests.release.sampled import ROWS, TABLE, loose_samples

INDEX = "release.json"


def rules_of(folder):
    return {(finding.file, finding.rule) for finding in verify_release(folder)}


def test_a_flipped_byte_of_a_sample_is_found_though_lists_were_made_to_fit(sampled, profile):
    if profile == "hub":

        def change(rows):
            content = bytearray(rows[3]["image"]["bytes"])
            content[-20] ^= 1
            rows[3]["image"]["bytes"] = bytes(content)

        edit_table(sampled / TABLE, change)
        expected = (TABLE, "container")
    else:
        path = loose_samples(sampled)[3]
        content = bytearray(path.read_bytes())
        content[-20] ^= 1
        path.write_bytes(content)
        expected = (path.relative_to(sampled).as_posix(), "metadata")
    assert expected in rules_of(sampled)
    relist(sampled)
    assert expected in rules_of(sampled)


def test_a_picture_with_other_pixels_is_found_though_its_checksum_fits(sampled, profile):
    file = io.BytesIO()
    Image.new("RGB", (24, 16)).save(file, "PNG")
    content, row = file.getvalue(), read_lines(sampled / ROWS)[0]

    def change(rows):
        rows[0]["sha256"] = hashlib.sha256(content).hexdigest()
        if "image" in rows[0]:
            rows[0]["image"]["bytes"] = content

    edit_rows(sampled, ROWS, change)
    path = f"counterfactuals/{row['file_name']}"
    if profile == "hub":
        edit_table(sampled / TABLE, change)
        path = TABLE
    else:
        (sampled / path).write_bytes(content)
    relist(sampled)
    found = [finding.message for finding in verify_release(sampled) if finding.file == path]
    assert len(found) == 1
    assert found[0].endswith("has another pixel_sha256")


def test_a_missing_sample_is_found_though_lists_were_made_to_fit(sampled, profile):
    if profile == "hub":
        edit_table(sampled / TABLE, lambda rows: rows.pop(2))
    else:
        loose_samples(sampled)[2].unlink()
    relist(sampled)
    assert (ROWS, "container" if profile == "hub" else "metadata") in rules_of(sampled)


def test_a_sample_that_no_row_tells_of_is_found(sampled):
    edit_rows(sampled, ROWS, lambda rows: rows.pop(2))
    relist(sampled)
    files = {file for file, _ in rules_of(sampled)}
    carriers = {TABLE, *(path.relative_to(sampled).as_posix() for path in loose_samples(sampled))}
    assert carriers & files
    assert INDEX in files  # it counts them


def test_a_stray_file_among_samples_is_found(sampled):
    (sampled / "counterfactuals/images").mkdir(exist_ok=True)
    stray = sampled / "counterfactuals/images/stray.png"
    Image.new("RGB", (8, 8)).save(stray)
    relist(sampled)
    assert ("counterfactuals/images/stray.png", "metadata") in rules_of(sampled)


def test_without_their_list_samples_are_found(sampled):
    (sampled / ROWS).unlink()
    relist(sampled)
    assert {rule for _, rule in rules_of(sampled)} >= {"counts", "croissant"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"source": "0" * 20}, "metadata"),
        ({"fillers": ["0" * 20], "refill": "single", "filler_source": "other"}, "metadata"),
        ({"answer": "hedgehog"}, "metadata"),
        ({"label_stands": False}, "metadata"),
        ({"kept": "context"}, "metadata"),
        ({"label": 1}, "metadata"),
        ({"split": "train"}, "splits"),
        ({"mask_rate": 1}, "metadata"),
        ({"method": "random"}, "metadata"),
        ({"refill": "multi"}, "metadata"),
        ({"filler_source": "same"}, "metadata"),
        ({"limit": "high"}, "metadata"),
        ({"file_name": "../metadata.jsonl"}, "metadata"),
    ],
    ids=str,
)
def test_a_row_that_says_what_is_not_so_is_found(sampled_releases, tmp_path, change, rule):
    release = Path(shutil.copytree(sampled_releases["files"], tmp_path / "release"))

    def tell(rows):
        next(row for row in rows if row["kept"] == "object").update(change)

    edit_rows(release, ROWS, tell)
    relist(release)
    assert (ROWS, rule) in rules_of(release)


def test_a_row_with_another_size_is_found(sampled_releases, tmp_path):
    release = Path(shutil.copytree(sampled_releases["files"], tmp_path / "release"))
    edit_rows(release, ROWS, lambda rows: rows[0].update(width=25))
    relist(release)
    file = "counterfactuals/" + read_lines(release / ROWS)[0]["file_name"]
    assert rules_of(release) == {(file, "metadata")}


def test_sources_that_are_gone_are_found(sampled):
    source = read_lines(sampled / ROWS)[0]["source"]
    edit_rows(
        sampled,
        "metadata.jsonl",
        lambda rows: rows.remove(next(row for row in rows if row["id"] == source)),
    )
    relist(sampled)
    messages = [each.message for each in verify_release(sampled) if each.file == ROWS]
    assert f"line 1: source '{source}' is no image of this release" in messages


def test_a_sample_slipped_into_a_main_list_is_found(sampled):
    sample = read_lines(sampled / ROWS)[0]

    def slip(rows):
        rows.append({**rows[0], "id": sample["id"], "file_name": sample["file_name"]})

    edit_rows(sampled, "metadata.jsonl", slip)
    relist(sampled)
    found = verify_release(sampled)
    assert any(each.file == ROWS and "no sample can be one" in each.message for each in found)
    assert any(each.file == "metadata.jsonl" for each in found)


@pytest.mark.parametrize("name", ["prompts/prompts.jsonl", "rejected.jsonl"])
def test_a_sample_among_images_that_were_drawn_is_found(sampled, name):
    sample = read_lines(sampled / ROWS)[0]["id"]
    key = "id" if name == "rejected.jsonl" else "image_id"
    edit_rows(sampled, name, lambda rows: rows.append({**rows[0], key: sample}))
    relist(sampled)
    assert (name, "splits") in rules_of(sampled)


def test_a_sample_in_a_few_shot_test_is_found(sampled):
    sample = read_lines(sampled / ROWS)[0]
    edit_rows(
        sampled,
        "lcl/ISEKAI-10.json",
        lambda rows: rows[0].update(image_name=f"counterfactuals/{sample['file_name']}"),
    )
    relist(sampled)
    assert ("lcl/ISEKAI-10.json", "manifest") in rules_of(sampled)


def test_wrong_counts_are_found(sampled):
    edit_json(sampled, INDEX, lambda index: index["counterfactuals"].update(samples=27))
    assert (INDEX, "counts") in rules_of(sampled)


def test_a_table_whose_rows_differ_is_found(sampled_releases, tmp_path):
    release = Path(shutil.copytree(sampled_releases["hub"], tmp_path / "release"))
    edit_table(release / TABLE, lambda rows: rows[4].update(answer="not told"))
    relist(release)
    (found,) = verify_release(release)
    assert found.file == TABLE
    assert found.message.endswith(f"its row is not that of {ROWS}")


def test_a_table_under_another_name_is_found(sampled_releases, tmp_path):
    release = Path(shutil.copytree(sampled_releases["hub"], tmp_path / "release"))
    (release / TABLE).rename(release / "counterfactuals/test-00001-of-00001.parquet")
    relist(release)
    assert ("counterfactuals/test-00001-of-00001.parquet", "container") in rules_of(release)
