"""Nothing of one split is in another; nothing is larger than hubs take."""

import json
import shutil
from pathlib import Path

import pytest

from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.release.verification import verify_limits
from isekai_gen.release.verification.received import ReceivedTree
from isekai_gen.release.verification.received_release import ReceivedRelease
from isekai_gen.release.verification.verify import verify_release
from isekai_gen.release.verification.verify_limits import MAX_ENTRIES, check_limits
from tests.release.conftest import make_small
from tests.release.mutations import edit_json, edit_rows, relist

METADATA, TEN = "metadata.jsonl", "lcl/ISEKAI-10.json"


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    folder = tmp_path_factory.mktemp("divided")
    small = make_small(folder / "workspace")
    plan = BuildPlan(profile="webdataset")
    request = small.request(folder / "release", plan, splits=small.divided())
    return build_release(request).folder


@pytest.fixture
def release(divided, tmp_path):
    return Path(shutil.copytree(divided, tmp_path / "release"))


def leaks(folder):
    relist(folder)
    found = verify_release(folder, pixels=False)
    return {(each.file, each.rule) for each in found if "splits" in f"{each.rule} {each.message}"}


def test_a_divided_release_is_whole(release):
    assert leaks(release) == set()


def test_near_duplicates_in_two_splits_are_found(release):
    def join(rows):
        one = min((each for each in rows if each["split"] == "train"), key=lambda each: each["id"])
        other = max((each for each in rows if each["split"] == "test"), key=lambda each: each["id"])
        other["duplicate_group"] = one["duplicate_group"]

    edit_rows(release, METADATA, join)
    assert (METADATA, "splits") in leaks(release)


def test_a_group_in_two_splits_is_found_unless_images_are_divided(release):
    edit_rows(release, METADATA, lambda rows: rows[0].update(split="test"))
    assert (METADATA, "splits") in leaks(release)
    edit_json(release, "release.json", lambda index: index.update(split_by="image"))
    assert (METADATA, "splits") not in leaks(release)


def test_a_manifest_row_over_two_splits_is_found(release):
    row = json.loads((release / TEN).read_text().splitlines()[0])
    other = "images/teapot/teapot-0001.png"
    assert other not in row["negative_list"]
    edit_rows(release, TEN, lambda rows: rows[0]["negative_list"].__setitem__(0, other))
    assert (TEN, "manifest") in leaks(release)


def limits_of(profile, paths):
    tree = ReceivedTree(Path("release"), {path: Path(path) for path in paths})
    check_limits(ReceivedRelease(tree, {"profile": profile}, [], {}, {}))
    return [(each.file, each.rule) for each in tree.findings]


def test_a_folder_with_more_entries_than_hubs_take_is_found():
    crowded = [f"images/bee/{number}.png" for number in range(MAX_ENTRIES)]
    assert limits_of("hub", crowded) == []
    more = [*crowded, "images/bee/deeper/x.png"]
    assert limits_of("hub", more) == [("images/bee/", "limits")]
    assert limits_of("files", more) == []


def test_more_files_than_hubs_take_are_found(monkeypatch):
    monkeypatch.setattr(verify_limits, "MAX_FILES", 300)
    paths = [f"images/{number % 100}/{number}.png" for number in range(301)]
    assert limits_of("hub", paths[:-1]) == []
    assert limits_of("hub", paths) == [("release.json", "limits")]
    assert limits_of("files", paths) == []
    assert limits_of("webdataset", paths) == []
