"""`isekai-gen reproduce`: what it prints and how it ends."""

import json
import shutil
from dataclasses import replace

import pytest

from isekai_gen.stages.drawn import read_drawn
from isekai_gen.workspace import Workspace
from tests.edited_workspaces import change_recorded_pixels, rewrite_records
from tests.small_jobs import arguments, write_job
from tests.small_jobs import call as run_command
from tests.stages.curated_jobs import in_this_process


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    with in_this_process():
        run_command(*arguments(write_job(folder), tiny_generator, folder / "ws", images=2))
    return folder / "ws"


@pytest.fixture
def root(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / "ws")
    return tmp_path / "ws"


def call(*args, expect=0):
    return run_command("reproduce", *args, "--devices", "cpu", expect=expect)


def ids_of(root):
    return [record.image_id for record in read_drawn(Workspace(root))]


def test_says_that_images_are_identical(root, tmp_path):
    ids = ids_of(root)[:2]
    shown = call(ids[0], ids[1][:8], "-w", root, "--out", tmp_path / "out")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ids
    assert shown.stdout.count(": identical\n") == 2
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_json_is_json_and_says_the_same(root):
    image_id = ids_of(root)[0]
    (told,) = json.loads(call(image_id, "-w", root, "--json").stdout, parse_constant=pytest.fail)
    assert told["image_id"] == image_id
    assert (told["identical"], told["passed"], told["file"]) == (True, True, "intact")
    assert (told["psnr_db"], told["max_difference"]) == (None, 0)


def test_other_pixels_under_the_same_profile_end_with_1(root):
    change_recorded_pixels(root)
    done = call(ids_of(root)[0], "-w", root, expect=1)
    assert "different: PSNR 24.0 dB, at most 16 of 255 in a channel" in done.stdout


def test_a_promise_that_was_not_made_cannot_be_broken(root):
    change_recorded_pixels(root)
    rewrite_records(
        root, lambda each: replace(each, provenance=replace(each.provenance, reproducible=False))
    )
    done = call(ids_of(root)[0], "-w", root)
    assert "different: PSNR " in done.stdout
    assert "Recorded as not reproducible" in done.stderr


def test_a_damaged_file_ends_with_1(root):
    record = read_drawn(Workspace(root))[0]
    (root / record.path).write_bytes(b"")
    done = call(record.image_id, "-w", root, expect=1)
    assert "identical; file damaged: `isekai-gen generate` restores it" in done.stdout


@pytest.mark.parametrize(
    ("image_id", "said"), [("0123456789abcdef0123", "no image drawn in"), ("12", "is no image id")]
)
def test_an_unknown_image_ends_with_2(root, image_id, said):
    assert said in call(image_id, "-w", root, expect=2).stderr


def test_a_folder_that_is_no_workspace_ends_with_2(tmp_path):
    assert "no workspace" in call("123456", "-w", tmp_path, expect=2).stderr
    assert not list(tmp_path.iterdir())
