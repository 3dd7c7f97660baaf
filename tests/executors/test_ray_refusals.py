"""What keeps Ray from being used is said in one line, and never ends in a local run."""

import subprocess
import sys

import pytest

from isekai_gen.errors import WorkspaceError
from isekai_gen.executors import EngineChoice, WorkerError
from isekai_gen.executors.ray_cluster import cannot_run
from isekai_gen.executors.ray_engine import _RayPool, _Seat, worker_count
from isekai_gen.executors.ray_worker import (
    Greeting,
    Progress,
    Reply,
    ShardActor,
    answer,
    code_digest,
)
from isekai_gen.executors.shard_queue import ShardQueue
from tests.executors.ray_nodes import ray_environment
from tests.small_jobs import write_job

_WITHOUT_RAY = """
import sys
sys.modules["ray"] = None
from isekai_gen.cli import main
main()
"""


def generate(tmp_path, *more, program=("-m", "isekai_gen")):
    job = write_job(tmp_path)
    args = ["generate", "-w", tmp_path / "ws", "--concepts", job.catalog, "-n", "1", *more]
    return subprocess.run(
        [sys.executable, *program, *map(str, args)],
        env=ray_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_missing_ray_is_an_error_with_the_line_to_type(tmp_path):
    done = generate(tmp_path, "--engine", "ray", program=("-c", _WITHOUT_RAY))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "Error: ray is not installed; run: pip install 'isekai-gen[ray]'"
    )
    assert not list((tmp_path / "ws").glob("images"))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:9", "no Ray cluster at '127.0.0.1:9' ([Errno 111] Connection refused)"),
        ("ray://127.0.0.1:10001", "is not HOST:PORT or auto; run the command on a node"),
        ("nonsense", "is not HOST:PORT or auto"),
    ],
)
def test_an_address_where_no_cluster_is_does_not_keep_anybody_waiting(tmp_path, address, message):
    """It is refused by this package: Ray alone would wait for minutes."""
    done = generate(tmp_path, "--engine", "ray", "--ray-address", address)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("option", "value"), [("--ray-address", "auto"), ("--ray-workers", "2")])
def test_what_only_ray_honors_is_refused_without_it(tmp_path, option, value):
    done = generate(tmp_path, option, value)
    assert done.returncode == 2
    assert f"Invalid value for {option}: needs --engine ray" in done.stderr


def test_the_workers_asked_for_are_never_more_than_shards():
    assert worker_count(EngineChoice("ray", workers=4), "cpu", 3) == 3
    assert worker_count(EngineChoice("ray", workers=2), "cuda:0", 3) == 2


def test_a_node_with_other_code_is_refused():
    pool = _RayPool(None, None, "cpu", ShardQueue([0], lambda *_: None))
    with pytest.raises(WorkspaceError, match="node7 cpu has another isekai-gen"):
        pool._reply(_Seat(None), Reply("ready", Greeting("node7 cpu", "0" * 64)))


def test_the_code_of_this_package_has_one_digest():
    assert len(code_digest()) == 64
    again = subprocess.run(
        [
            sys.executable,
            "-c",
            "from isekai_gen.executors.ray_worker import code_digest; print(code_digest())",
        ],
        env=ray_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == code_digest()


def test_a_node_without_the_package_is_said_in_one_line():
    pages = "ray::ShardActor()\n  File x\nModuleNotFoundError: No module named 'isekai_gen'\n"
    told = str(cannot_run(RuntimeError(pages)))
    assert "\n" not in told
    assert "No module named 'isekai_gen'; install the same version" in told


def test_an_unforeseen_error_on_a_node_arrives_with_its_traceback():
    def fail(_device):
        raise ZeroDivisionError("unforeseen")

    kind, error = answer(fail, "cpu")
    assert (kind, type(error)) == ("error", WorkerError)
    assert "ZeroDivisionError: unforeseen" in str(error)
    assert "in fail" in error.details


class Stoppable:
    """A worker that goes on until it is stopped."""

    def setup(self, device_name):
        del device_name

        def work_on(part, control):
            del part
            control.advance(4, failed=1)
            while True:
                control.check()

        return work_on


def test_an_actor_that_was_told_to_stop_stops_at_the_next_check():
    actor = ShardActor()
    actor._work_on = Stoppable().setup("cpu")
    actor.stop()
    assert actor.work(0) == Reply("stopped", None)
    assert actor.poll() == Progress(0, 4, 1)
    assert actor.poll() is None


def test_an_actor_whose_driver_is_silent_ends_itself():
    code = (
        "from isekai_gen.executors.ray_worker import ShardActor\n"
        "from tests.executors.test_ray_refusals import Stoppable\n"
        "actor = ShardActor()\n"
        "actor._work_on = Stoppable().setup('cpu')\n"
        "actor._line.heard -= 59\n"
        "actor.work(0)\n"
        "print('never')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=ray_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (1, "")
