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
    run_shards,
    worker_devices,
)


@dataclass(frozen=True)
class Squares:
    """Writes each part's square into a folder."""

    folder: Path

    def setup(self, device_name):
        def work_on(part, control):
            control.check()
            (self.folder / f"{part}-{device_name.replace(':', '_')}").write_text(str(part**2))
            control.advance(2)
            return ShardResult(part, {"square": part**2}, (f"did {part}",))

        return work_on


@dataclass(frozen=True)
class Faulty:
    """Fails on one part in a chosen way; other parts take a while and notice being stopped."""

    folder: Path
    way: str

    def setup(self, device_name):
        del device_name

        def work_on(part, control):
            if part == 0:
                time.sleep(0.3)
                if self.way == "known":
                    raise ModelError("the model is broken; take another")
                if self.way == "unknown":
                    raise ZeroDivisionError("unforeseen")
                os.kill(os.getpid(), signal.SIGKILL)
            for step in range(200):
                control.check()
                time.sleep(0.05)
                (self.folder / "step").write_text(str(step))
            return ShardResult(part, {})

        return work_on


def test_results_come_in_the_order_of_the_parts(tmp_path):
    progress = []
    results = run_shards(Squares(tmp_path), [5, 3, 4], ["cuda:0", "cuda:1"], progress.append)
    assert [(r.part, r.counts["square"], r.messages) for r in results] == [
        (5, 25, ("did 5",)),
        (3, 9, ("did 3",)),
        (4, 16, ("did 4",)),
    ]
    assert sum(progress) == 6


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
        run_shards(Local(), [0], ["cpu"], lambda _n: None)


@pytest.mark.parametrize(
    ("way", "error", "message"),
    [
        ("known", ModelError, "the model is broken; take another"),
        ("unknown", WorkerError, "ZeroDivisionError: unforeseen.*--debug"),
        ("killed", WorkerError, "exit code -9.*run again"),
    ],
)
def test_one_workers_error_stops_the_others(tmp_path, way, error, message):
    started = time.monotonic()
    with pytest.raises(error, match=message):
        run_shards(Faulty(tmp_path, way), [0, 1], ["cuda:0", "cuda:1"], lambda _n: None)
    assert time.monotonic() - started < 8  # far from the 10 s that part 1 would take
    step = (tmp_path / "step").read_text()
    time.sleep(0.2)
    assert (tmp_path / "step").read_text() == step


def test_an_unforeseen_error_carries_its_traceback(tmp_path):
    with pytest.raises(WorkerError) as caught:
        run_shards(Faulty(tmp_path, "unknown"), [0], ["cpu"], lambda _n: None)
    assert "work_on" in caught.value.details


_PARENT = """
    import sys
    from pathlib import Path
    sys.path[:0] = {path!r}
    from isekai_gen.executors import run_shards
    from test_executors import Faulty
    if __name__ == "__main__":
        try:
            run_shards(Faulty(Path({folder!r}), "none"), [1], ["cpu"], lambda n: None)
        except KeyboardInterrupt:
            sys.exit(130)
"""


def _start_parent(folder: Path) -> subprocess.Popen:
    script = folder / "parent.py"
    path = [str(Path(__file__).parent), *sys.path]
    script.write_text(textwrap.dedent(_PARENT).format(path=path, folder=str(folder)))
    parent = subprocess.Popen([sys.executable, script], start_new_session=True)
    deadline = time.monotonic() + 30
    while not (folder / "step").exists():
        assert time.monotonic() < deadline, "the worker never began"
        time.sleep(0.01)
    return parent


def test_workers_die_with_a_parent_that_is_killed(tmp_path):
    parent = _start_parent(tmp_path)
    parent.kill()
    parent.wait()
    step = (tmp_path / "step").read_text()  # no grace: the next run may start at once
    time.sleep(0.4)
    assert (tmp_path / "step").read_text() == step


def test_ctrl_c_stops_workers_and_is_passed_on(tmp_path):
    parent = _start_parent(tmp_path)
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to the whole group
    assert parent.wait(timeout=10) == 130
    step = (tmp_path / "step").read_text()
    time.sleep(0.3)
    assert (tmp_path / "step").read_text() == step
