"""Shards run in worker processes that never outlive their parent."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from isekai_gen.errors import ModelError
from isekai_gen.executors import (
    ShardResult,
    WorkerError,
    cpu_worker_count,
    local,
    run_shards,
    worker_devices,
)
from isekai_gen.executors.contract import Stopped

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Squares:
    """Writes each part's square into a folder."""

    folder: Path

    def setup(self, device_name):
        def work_on(part, control):
            control.check()
            told = f"{device_name} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}"
            (self.folder / f"part-{part}").write_text(told)
            control.advance(2, failed=1)
            return ShardResult(part, {"square": part**2}, (f"did {part}",))

        return work_on


@dataclass(frozen=True)
class Faulty:
    """Fails on part 0 in a chosen way, once another is worked on; others notice being stopped.

    A part takes two minutes: none ends by itself within any test.
    """

    folder: Path
    way: str

    def setup(self, device_name):
        del device_name

        def work_on(part, control):
            if part == 0:
                wait_for(self.folder / "step")
                if self.way == "known":
                    raise ModelError("the model is broken; take another")
                if self.way == "unknown":
                    raise ZeroDivisionError("unforeseen")
            for step in range(2400):
                if self.way != "deaf":
                    self.check(control)
                time.sleep(0.05)
                (self.folder / "step").write_text(str(step))
            return ShardResult(part, {})

        return work_on

    def check(self, control):
        try:
            control.check()
        except Stopped:
            (self.folder / "stopped").touch()
            raise


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.01)


def assert_nobody_works_in(folder: Path) -> None:
    """From this moment on."""
    step = (folder / "step").read_text()
    time.sleep(0.3)
    assert (folder / "step").read_text() == step


@dataclass(frozen=True)
class Deadly:
    """Ends its process on part 0 the first `times` times; other parts are quick."""

    folder: Path
    times: int
    at: str = "work"

    def setup(self, device_name):
        del device_name
        if self.at == "setup":
            self._die()

        def work_on(part, control):
            control.advance(3)
            if part == 0 and self.at == "work":
                self._die()
            control.advance(1)
            return ShardResult(part, {})

        return work_on

    def _die(self):
        lives = self.folder / "lives"
        before = len(lives.read_text()) if lives.exists() else 0
        if before < self.times:
            lives.write_text("x" * (before + 1))
            os.kill(os.getpid(), signal.SIGKILL)


class Progress(list):
    """What `on_progress` was told."""

    def __call__(self, images, failed=0, device=""):
        self.append((images, failed, device))


def test_results_come_in_the_order_of_the_parts(tmp_path):
    progress = Progress()
    results = run_shards(Squares(tmp_path), [5, 3, 4], ["cuda:0", "cuda:1"], progress)
    assert [(r.part, r.counts["square"], r.messages) for r in results] == [
        (5, 25, ("did 5",)),
        (3, 9, ("did 3",)),
        (4, 16, ("did 4",)),
    ]
    assert [entry[:2] for entry in progress] == [(2, 1)] * 3
    assert {entry[2] for entry in progress} <= {"cuda:0", "cuda:1"}


@pytest.mark.parametrize(
    ("visible", "device", "sees"),
    [
        (None, "cuda:1", "cuda:0 1"),
        ("4,6", "cuda:1", "cuda:0 6"),
        ("GPU-a, GPU-b", "cuda:0", "cuda:0 GPU-a"),
        ("4", "cuda:1", "cuda:1 4"),  # it is not there: whoever opens it says so
        (None, "cpu", "cpu "),
    ],
)
def test_a_worker_sees_no_gpu_but_its_own(tmp_path, monkeypatch, visible, device, sees):
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    run_shards(Squares(tmp_path), [0], [device], Progress())
    assert (tmp_path / "part-0").read_text() == sees


def test_a_worker_that_is_killed_is_replaced_and_its_shard_redone(tmp_path):
    progress = Progress()
    first, second = run_shards(Deadly(tmp_path, times=2), [0, 1], ["cuda:0"], progress)
    assert (first.part, second.part) == (0, 1)
    assert len(first.messages) == 2
    assert "exit code -9" in first.messages[0]
    assert second.messages == ()
    assert sum(images for images, _, _ in progress) == 8  # what was lost is not counted twice


def test_a_shard_that_ends_every_worker_is_given_up(tmp_path):
    with pytest.raises(WorkerError, match=r"shard 0 lost 3 workers.*exit code -9.*run again"):
        run_shards(Deadly(tmp_path, times=99), [0, 1], ["cuda:0"], Progress())
    assert (tmp_path / "lives").read_text() == "xxx"


def test_a_worker_killed_while_starting_is_started_again_but_not_for_ever(tmp_path):
    (result,) = run_shards(Deadly(tmp_path, times=2, at="setup"), [0], ["cuda:0"], Progress())
    assert result.part == 0
    with pytest.raises(WorkerError, match="while it was starting, for the third time"):
        run_shards(Deadly(tmp_path, times=5, at="setup"), [0], ["cuda:0"], Progress())


def test_every_gpu_has_one_worker_and_the_cpu_one_per_core():
    assert worker_devices(["cuda:0", "cuda:1"], 10) == ["cuda:0", "cuda:1"]
    assert worker_devices(["cuda:0", "cuda:1"], 1) == ["cuda:0"]
    cores = len(os.sched_getaffinity(0))
    assert worker_devices(["cpu"], 100) == ["cpu"] * min(8, cores)
    assert cpu_worker_count(1) == 1


def test_a_worker_that_cannot_travel_is_refused(tmp_path):
    @dataclass
    class Local:
        pass

    with pytest.raises(AttributeError, match="local"):
        run_shards(Local(), [0], ["cpu"], Progress())


@pytest.mark.parametrize(
    ("way", "error", "message"),
    [
        ("known", ModelError, "the model is broken; take another"),
        ("unknown", WorkerError, "ZeroDivisionError: unforeseen.*--debug"),
    ],
)
def test_one_workers_error_stops_the_others(tmp_path, monkeypatch, way, error, message):
    monkeypatch.setattr(local, "SECONDS_TO_STOP", PATIENCE_S)
    with pytest.raises(error, match=message):
        run_shards(Faulty(tmp_path, way), [0, 1], ["cuda:0", "cuda:1"], Progress())
    assert (tmp_path / "stopped").exists()  # it was asked, not killed
    assert_nobody_works_in(tmp_path)


def test_an_unforeseen_error_carries_its_traceback(tmp_path):
    (tmp_path / "step").touch()
    with pytest.raises(WorkerError) as caught:
        run_shards(Faulty(tmp_path, "unknown"), [0], ["cpu"], Progress())
    assert "work_on" in caught.value.details


_PARENT = """
    import signal
    import sys
    from pathlib import Path
    sys.path[:0] = {path!r}
    from isekai_gen.executors import local, run_shards
    from test_executors import PATIENCE_S, Faulty, Progress
    drain = local._drain
    def told_to_stop(*args):
        (Path({folder!r}) / "told to stop").touch()
        drain(*args)
    if __name__ == "__main__":
        local._drain, local.SECONDS_TO_STOP = told_to_stop, PATIENCE_S
        signal.signal(signal.SIGTERM, {on_sigterm})
        try:
            run_shards(Faulty(Path({folder!r}), {way!r}), [1], ["cpu"], Progress())
        except KeyboardInterrupt:
            sys.exit(130)
"""


def _start_parent(
    folder: Path, way: str = "none", on_sigterm: str = "signal.SIG_DFL"
) -> subprocess.Popen:
    script = folder / "parent.py"
    path = [str(Path(__file__).parent), *sys.path]
    script.write_text(
        textwrap.dedent(_PARENT).format(
            path=path, folder=str(folder), way=way, on_sigterm=on_sigterm
        )
    )
    parent = subprocess.Popen([sys.executable, script], start_new_session=True)
    wait_for(folder / "step")
    return parent


def test_workers_die_with_a_parent_that_is_killed(tmp_path):
    parent = _start_parent(tmp_path)
    parent.kill()
    parent.wait()
    assert_nobody_works_in(tmp_path)  # no grace: the next run may start at once


def test_ctrl_c_stops_workers_and_is_passed_on(tmp_path):
    parent = _start_parent(tmp_path)
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to the whole group
    assert parent.wait(PATIENCE_S) == 130
    assert (tmp_path / "stopped").exists()
    assert_nobody_works_in(tmp_path)


def test_sigterm_to_the_whole_group_leaves_the_workers_to_their_parent(tmp_path):
    parent = _start_parent(tmp_path, on_sigterm="signal.default_int_handler")
    os.killpg(parent.pid, signal.SIGTERM)  # as a cluster's scheduler does
    assert parent.wait(PATIENCE_S) == 130
    assert (tmp_path / "stopped").exists()
    assert_nobody_works_in(tmp_path)


def test_a_second_ctrl_c_does_not_wait_for_workers_that_do_not_listen(tmp_path):
    parent = _start_parent(tmp_path, way="deaf")
    os.killpg(parent.pid, signal.SIGINT)
    wait_for(tmp_path / "told to stop")
    assert parent.poll() is None
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.wait(PATIENCE_S / 2) == 130  # it would wait twice as long
    assert_nobody_works_in(tmp_path)
