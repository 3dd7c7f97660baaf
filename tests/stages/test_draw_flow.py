"""Micro-batches under way at once leave the same files as one after the other."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from isekai_gen.errors import LockedError
from isekai_gen.executors import Stopped
from isekai_gen.models.drawing import DiffusersGenerator
from isekai_gen.records import ImageRecord
from isekai_gen.shards import read_records
from isekai_gen.stages import draw_shard, plan_worker, shard_hold
from isekai_gen.stages import generate as stage
from isekai_gen.stages.draw_flow import DrawFlow
from isekai_gen.stages.generate import generate
from isekai_gen.stages.shard_hold import hold_shard
from isekai_gen.workspace import Workspace
from tests.small_jobs import digests, make_context, run_serially

IMAGES = 6
RESULTS = ("images", "records", "done")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(stage, "run_shards", run_serially)
    monkeypatch.setattr(plan_worker, "run_shards", run_serially)


@pytest.fixture
def several_at_once(monkeypatch):
    """Draw as on a GPU: the next micro-batch starts before the one before is written."""

    def ahead(*given, **named):
        return DrawFlow(*given, **{**named, "ahead": True})

    monkeypatch.setattr(draw_shard, "DrawFlow", ahead)


@pytest.fixture
def draw(tiny_generator, job):
    def run(root):
        context = make_context(root, tiny_generator, images_per_concept=IMAGES, shard_size=12)
        return generate(context, job.request)

    return run


def test_drawing_ahead_leaves_the_same_files(draw, tmp_path, request):
    draw(tmp_path / "one")
    request.getfixturevalue("several_at_once")
    report = draw(tmp_path / "several")
    assert (report.planned, report.generated) == (4 * IMAGES, 4 * IMAGES)
    assert digests(tmp_path / "several", RESULTS) == digests(tmp_path / "one", RESULTS)


@pytest.mark.usefixtures("several_at_once")
def test_a_stop_commits_what_is_being_written_and_nothing_half(draw, tmp_path, monkeypatch):
    root = tmp_path / "ws"
    start, calls = DiffusersGenerator.start, []

    def stop_at_the_third(self, *given):
        calls.append(given)
        if len(calls) == 3:
            raise Stopped
        return start(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(DiffusersGenerator, "start", stop_at_the_third)
        with pytest.raises(Stopped):
            draw(root)
    records = read_records(Workspace(root).part("records", 0), ImageRecord)
    # The first was written, the second was still on the device.
    assert len(records) == 4
    assert all((root / record.path).exists() for record in records)
    draw(root)
    draw(tmp_path / "clean")
    assert digests(root, RESULTS) == digests(tmp_path / "clean", RESULTS)


def test_a_marker_counts_by_concept(draw, tmp_path):
    from isekai_gen.shards import read_marker

    draw(tmp_path / "ws")
    workspace = Workspace(tmp_path / "ws")
    counted: dict[str, int] = {}
    for part in workspace.parts("plan"):
        marker = read_marker(workspace, "generate", part)
        for slug, counts in marker.by_concept.items():
            assert counts["planned"] == counts["generated"] + counts["failed"]
            counted[slug] = counted.get(slug, 0) + counts["generated"]
    assert set(counted.values()) == {IMAGES}
    assert len(counted) == 4


HOLD = """
    import sys
    from pathlib import Path
    from isekai_gen.stages.shard_hold import hold_shard
    with hold_shard(Path(sys.argv[1]), lambda: None):
        print("held", flush=True)
        sys.stdin.readline()
"""


def hold_elsewhere(path):
    """A process that holds a shard until it is written a line."""
    command = [sys.executable, "-c", textwrap.dedent(HOLD), str(path)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def part(tmp_path):
    path = tmp_path / "part-00000.jsonl"
    path.write_text("")
    return path


def test_a_worker_waits_for_the_one_that_holds_its_shard(part):
    looked = []

    def look():
        looked.append(part)
        if len(looked) == 2:
            holder.communicate("let go\n")

    with hold_elsewhere(part) as holder, hold_shard(part, look):
        assert len(looked) >= 2


def test_a_killed_worker_lets_its_shard_go(part):
    with hold_elsewhere(part) as process:
        process.kill()
        process.wait()
        with hold_shard(part, lambda: None):
            pass


def test_waiting_for_a_shard_ends(part, monkeypatch):
    monkeypatch.setattr(shard_hold, "_SECONDS_TO_WAIT", 0.3)
    with hold_elsewhere(part) as process:
        with (
            pytest.raises(LockedError, match="another worker still works on"),
            hold_shard(part, lambda: None),
        ):
            pass
        process.kill()


def test_a_stop_ends_the_waiting(part):
    def stop():
        raise Stopped

    with hold_elsewhere(part) as process:
        with pytest.raises(Stopped), hold_shard(part, stop):
            pass
        process.kill()
