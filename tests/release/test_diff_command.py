"""The command `release diff`: what a person and what CI gets from it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from isekai_gen.cli import command_line
from isekai_gen.errors import ReleaseError
from isekai_gen.records import Verdict
from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan
from tests.release.conftest import OPTIONS, make_small
from tests.release.hand_made import HandMade, image_row, rejected_row


@pytest.fixture
def pair(tmp_path) -> tuple[Path, Path]:
    earlier, later = HandMade(), HandMade(version="1.1.0")
    later.images = [*later.images[1:], image_row(5), image_row(6)]
    later.images[0]["split"] = "train"
    later.rejected = [rejected_row(1, witness=f"{2:020x}")]
    return earlier.write(tmp_path / "earlier"), later.write(tmp_path / "later")


def run_diff(*arguments: object) -> Result:
    return CliRunner().invoke(command_line, ["release", "diff", *map(str, arguments)])


def test_a_version_that_is_too_low_is_exit_code_1_and_says_which_would_do(pair):
    done = run_diff(*pair)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == (
        "MAJOR change (images removed: 1, images changed: 1): at least 2.0.0; "
        "version 1.1.0 is too low"
    )


def test_the_numbers_come_first_and_add_up(pair):
    lines = run_diff(*pair).stdout.splitlines()
    kept = "2 the same + 1 changed + 0 measured anew + 0 repacked"
    assert lines[:4] == [
        "isekai-test 1.0.0 -> isekai-test 1.1.0",
        f"images before: 4 = {kept} + 1 removed",
        f"images after: 5 = {kept} + 2 new + 0 formerly rejected",
        "of the images changed: 0 in pixels, 1 moved, 0 renamed, 0 in other columns",
    ]


def test_a_version_that_is_enough_is_exit_code_0(pair):
    earlier, later = pair
    index = json.loads((later / "release.json").read_text())
    (later / "release.json").write_text(json.dumps({**index, "version": "2.0.0"}))
    assert run_diff(earlier, later).exit_code == 0


def test_quiet_gives_one_line_and_json_gives_all(pair):
    assert len(run_diff(*pair, "--quiet").stdout.splitlines()) == 1
    done = run_diff(*pair, "--json")
    assert done.exit_code == 1
    assert len(json.loads(done.stdout)["images"]["removed"]) == 1


def test_a_folder_that_is_no_release_is_exit_code_2(pair, tmp_path):
    done = run_diff(pair[0], tmp_path)
    assert done.exit_code == 2
    assert "is no release" in done.stderr


def test_a_release_built_again_differs_in_nothing(built: Path):
    done = run_diff(built, built)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "nothing differs; version 1.0.0 is right"


def test_another_packaging_of_the_same_images_is_a_patch(built: Path, built_files: Path):
    told = json.loads(run_diff(built, built_files, "--json").stdout)
    assert told["required_bump"] == "patch"
    assert told["images"]["same"] == told["images"]["before"]


def test_a_version_built_after_another_tells_its_changes(built: Path, tmp_path):
    small = make_small(tmp_path / "workspace")
    shutil.rmtree(small.workspace.manifests)  # they name the image that is dropped now
    *kept, gone = small.content.kept
    dropped = {**small.content.dropped, gone: Verdict(gone, "person", False, "dropped_by_person")}
    request = small.request(
        tmp_path / "2.0.0",
        BuildPlan(profile="files", previous=built),
        replace(OPTIONS, version="2.0.0"),
        kept=kept,
        dropped=dropped,
    )
    folder = build_release(request).folder
    entries = (folder / "CHANGELOG.md").read_text()
    assert entries.index("## 2.0.0") < entries.index("## 1.0.0")
    assert "person: dropped_by_person: 1" in entries
    listing = json.loads((folder / "reports/changes.json").read_text())
    assert [image["id"] for image in listing["removed"]] == [gone]
    assert run_diff(built, folder).exit_code == 0


def test_a_build_with_a_version_that_is_too_low_leaves_nothing(built: Path, tmp_path):
    small = make_small(tmp_path / "workspace")
    plan = BuildPlan(profile="files", previous=built)
    with pytest.raises(ReleaseError, match=r"--release-version 1\.0\.1 or higher"):
        build_release(small.request(tmp_path / "out", plan))
    assert not (tmp_path / "out").exists()
