"""A build that was killed goes on where it was, and ends with the bytes of one that was not."""

import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from isekai_gen.errors import ChecksumError
from isekai_gen.release.building import image_copying
from isekai_gen.release.building.build import build_release
from isekai_gen.release.building.request import BuildPlan
from isekai_gen.release.verification.verify import verify_release
from tests.release.conftest import make_small

# Some images a shard, so that there is something to go on with.
PLANS = {
    "hub": BuildPlan(max_shard_bytes=2500),
    "files": BuildPlan(profile="files", max_shard_bytes=2500),
    "webdataset": BuildPlan(profile="webdataset", max_shard_bytes=2500),
    "hub, Parquet only": BuildPlan(loose_images=False, max_shard_bytes=2500),
}


def bytes_of(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def killed_after(images):
    """An `advance` that ends the build after so many images."""
    left = images

    def advance(done):
        nonlocal left
        left -= done
        if left < 0:
            raise Killed

    return advance


def reads_of(monkeypatch):
    """Names of the images that are read from the workspace from now on."""
    seen = []
    read = image_copying.read_checked

    def read_and_tell(source, image):
        seen.append(image.path)
        return read(source, image)

    monkeypatch.setattr(image_copying, "read_checked", read_and_tell)
    return seen


@pytest.fixture(params=sorted(PLANS))
def plan(request):
    return PLANS[request.param]


def interrupted(small, out, plan, images=9):
    request = replace(small.request(out, plan), advance=killed_after(images))
    with pytest.raises(Killed):
        build_release(request)
    assert not out.exists()
    return out.with_name(f".tmp-{out.name}")


def test_finished_shards_are_used_again_and_the_bytes_are_those_of_one_build(
    small, tmp_path, plan, monkeypatch
):
    build_release(small.request(tmp_path / "whole", plan))
    interrupted(small, tmp_path / "out", plan)
    seen = reads_of(monkeypatch)
    build_release(small.request(tmp_path / "out", plan))
    assert 0 < len(set(seen)) < 14
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")
    assert not (tmp_path / ".tmp-out").exists()


def test_a_finished_shard_that_was_damaged_is_written_again(small, tmp_path, plan, monkeypatch):
    staged = interrupted(small, tmp_path / "out", plan)
    containers = sorted((staged / "tree").rglob("*test-00000*"))
    written = (containers or sorted((staged / "tree").rglob("cactihog-0001.png")))[0]
    written.write_bytes(written.read_bytes()[:-1] + b"?")
    seen = reads_of(monkeypatch)
    build_release(small.request(tmp_path / "out", plan))
    assert "images/cactihog/cactihog-0001.png" in seen
    assert verify_release(tmp_path / "out") == []


def test_a_note_of_progress_that_was_torn_is_not_believed(small, tmp_path, plan):
    staged = interrupted(small, tmp_path / "out", plan)
    for note in (staged / "progress").iterdir():
        note.write_bytes(note.read_bytes()[:-5])
    build_release(small.request(tmp_path / "out", plan))
    assert verify_release(tmp_path / "out") == []


def test_what_was_built_of_other_images_is_cleared_away(small, tmp_path, plan):
    interrupted(small, tmp_path / "out", plan)
    splits = small.divided() if plan.profile != "files" else small.content.splits
    measures = {
        key: replace(measured, class_margin=-0.5)
        for key, measured in small.content.measures.items()
    }
    build_release(small.request(tmp_path / "out", plan, splits=splits, measures=measures))
    build_release(small.request(tmp_path / "new", plan, splits=splits, measures=measures))
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "new")


def test_a_missing_image_stops_the_build_and_what_is_finished_stays(small, tmp_path, plan):
    last = small.content.kept_records()[-1]
    path = small.workspace.image(last.concept, last.image_id)
    content = path.read_bytes()
    path.write_bytes(b"damaged".ljust(len(content)))
    with pytest.raises(ChecksumError, match=last.image_id):
        build_release(small.request(tmp_path / "out", plan))
    assert list((tmp_path / ".tmp-out" / "progress").iterdir())
    path.write_bytes(content)
    build_release(small.request(tmp_path / "out", plan))
    assert verify_release(tmp_path / "out") == []


KILLED = """
import sys
from pathlib import Path
from tests.release.conftest import make_small
from tests.release.test_release_build_resume import PLANS, build_release
root, profile = Path(sys.argv[1]), sys.argv[2]
small = make_small(root / "workspace")
print("go", flush=True)
build_release(small.request(root / "out", PLANS[profile]))
"""


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_nothing_wrong(tmp_path):
    build_release(make_small(tmp_path / "w").request(tmp_path / "whole", PLANS["hub"]))
    moments = random.Random(5)
    root = tmp_path / "killed"
    repository = Path(__file__).parents[2]
    for _ in range(4):
        command = [sys.executable, "-c", KILLED, str(root), "hub"]
        process = subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        time.sleep(moments.uniform(0, 0.25))
        process.kill()
        process.wait()
        process.stdout.close()
        if (root / "out").exists():  # it was faster
            assert bytes_of(root / "out") == bytes_of(tmp_path / "whole")
            shutil.rmtree(root / "out")
    build_release(make_small(root / "workspace").request(root / "out", PLANS["hub"]))
    assert bytes_of(root / "out") == bytes_of(tmp_path / "whole")
    assert {path.name for path in root.iterdir()} == {"workspace", "out"}
