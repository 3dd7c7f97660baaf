"""kill -9 anywhere, run again: every file ends up as if nothing had happened."""

import math
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from isekai_gen.workspace import Workspace
from tests.held_writes import HeldWrites
from tests.small_jobs import arguments, call, command, digests, run_cli, write_job
from tests.stages.curated_jobs import in_this_process

IMAGES = 60
MOST_NEW = 12
GENERATE = ["--shard-size", "24"]
LAST_MARKER = "*/done/generate/part-00009.json"  # without it no run ends


def generate_args(job, model, workspace):
    return [*arguments(job, model, workspace, images=IMAGES), *GENERATE]


@pytest.fixture(scope="module")
def undisturbed(tiny_generator, tmp_path_factory):
    """The job's files and the digests of a run that nobody killed, without any worker process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    job = write_job(folder)
    with in_this_process():
        call(*generate_args(job, tiny_generator, folder / "ws"))
    return job, digests(folder / "ws")


def record_bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in root.glob("records/*.jsonl"))


def picture_count(root: Path) -> int:
    return sum(1 for _ in root.glob("images/*/*.png"))


def kill_somewhere(args: list[str], root: Path, chance: random.Random, held: HeldWrites) -> str:
    """Start a run and kill it at a random moment: while it plans, draws, or records. Returns where.

    Some `MOST_NEW` images are new then, more if this process was not woken in time.
    """
    held.hold(LAST_MARKER)
    phase = chance.choice(["start", "first picture", "records", "records"])
    pictures, recorded = picture_count(root), record_bytes(root)
    more = chance.randint(1, MOST_NEW) if phase == "records" else 1
    end = time.monotonic() + (chance.uniform(0.1, 4) if phase == "start" else math.inf)

    process = subprocess.Popen(
        args, env=held.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def reached() -> bool:
        drawn = picture_count(root) >= pictures + more
        said = phase != "records" or record_bytes(root) > recorded
        return time.monotonic() > end or (drawn and said) or bool(held.waiting)

    while not reached() and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    return phase


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("seed", "kills"), [(3, 5), pytest.param(1, 8, marks=pytest.mark.long)])
def test_killed_again_and_again_it_ends_like_an_undisturbed_run(
    undisturbed, tiny_generator, tmp_path, seed, kills
):
    job, expected = undisturbed
    chance = random.Random(seed)
    root = tmp_path / "ws"
    args = command(generate_args(job, tiny_generator, root))
    held, moments, sizes = HeldWrites(tmp_path / "held"), [], []
    for _ in range(kills):
        moments.append(kill_somewhere(args, root, chance, held))
        sizes.append(record_bytes(root))
    assert "records" in moments
    assert sizes[-1] > 0
    last = run_cli(generate_args(job, tiny_generator, root))  # at once: an orphan would be met
    assert last.returncode == 0, last.stderr
    assert digests(root) == expected


@pytest.mark.slow
def test_a_worker_killed_alone_is_replaced_and_its_shard_redone(
    undisturbed, tiny_generator, tmp_path
):
    job, expected = undisturbed
    root = tmp_path / "ws"
    args = generate_args(job, tiny_generator, root)
    held = HeldWrites(tmp_path / "held")
    held.hold(LAST_MARKER)
    process = subprocess.Popen(
        command(args), env=held.environment, stderr=subprocess.PIPE, text=True
    )
    while not record_bytes(root) and process.poll() is None:
        time.sleep(0.005)
    for child in workers_of(process.pid):
        subprocess.run(["kill", "-9", str(child)], check=False)
    held.release()
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert "exit code -9" in stderr
    assert "a fresh worker did it" in stderr
    assert "Traceback" not in stderr
    assert digests(root) == expected


def workers_of(pid: int) -> list[int]:
    """Child processes that run Python's spawned workers."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("sign", "code"), [("INT", 130), ("TERM", 143)])
def test_ctrl_c_and_sigterm_stop_cleanly_and_a_rerun_continues(
    undisturbed, tiny_generator, tmp_path, sign, code
):
    job, expected = undisturbed
    root = tmp_path / "ws"
    args = generate_args(job, tiny_generator, root)
    held = HeldWrites(tmp_path / "held")
    held.hold(LAST_MARKER)
    process = subprocess.Popen(
        command(args),
        env=held.environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not record_bytes(root) and process.poll() is None:
        time.sleep(0.005)
    subprocess.run(["kill", f"-{sign}", "--", f"-{process.pid}"], check=True)
    _, stderr = process.communicate()
    assert process.returncode == code
    assert "run again to continue" in stderr
    assert "Traceback" not in stderr
    for part in Workspace(root).parts("records"):  # whole lines only
        assert Workspace(root).part("records", part).read_bytes().endswith(b"\n")
    with in_this_process():
        call(*args)
    assert digests(root) == expected
