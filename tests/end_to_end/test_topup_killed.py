"""kill -9 in any round of topup, run again: the rounds of a run that nobody disturbed.

Workers run in the process that is killed, which spares their start in every round; that they can
be killed apart is shown in test_kill_and_rerun.py.
"""

import random
import subprocess
import sys
import time

import pytest

from tests.held_writes import HeldWrites
from tests.small_jobs import TINY, digests, environment, write_job

FOLDERS = (
    "images", "records", "plan", "done", "looks", "verdicts", "embeddings", "edges", "reports",
)  # fmt: skip
# At this limit the tiny generator's images need several rounds (tests/stages/test_topup.py).
LIMITS = {"--max-similarity": 0.955, "--max-margin": 2}
KILLS = 6
ONE_PROCESS = """
from isekai_gen.cli import main
from isekai_gen.stages import embed, generate, looks
from tests.small_jobs import run_serially
embed.run_shards = generate.run_shards = looks.run_shards = run_serially
main()
"""


def topup_command(job, model, workspace):
    given = {
        "-w": workspace,
        "--kept": 4,
        "--max-attempts": 20,
        "--concepts": job.catalog,
        "--templates": job.templates,
        "--model": model,
        **{f"--{key.replace('_', '-')}": value for key, value in TINY.items()},
        **LIMITS,
    }
    options = [str(part) for pair in given.items() for part in pair]
    return [sys.executable, "-c", ONE_PROCESS, "topup", *options]


def start(args, variables):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(args, env=variables, **quiet)


def run_to_its_end(args):
    process = start(args, environment())
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr


def rounds_of(root):
    path = root / "reports/topup.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def kill_between(args, held, commits, delay):
    """Kill a run that finished so many parts of stages, before it ends another; or it has ended."""
    held.hold("*/done/*/part-*", most=commits)
    process = start(args, held.environment)
    while held.let_through < commits and process.poll() is None:
        time.sleep(0.002)
    time.sleep(delay)
    process.kill()
    process.communicate()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
def test_killed_in_any_round_it_ends_like_an_undisturbed_run(tiny_generator, tmp_path):
    job = write_job(tmp_path)
    run_to_its_end(topup_command(job, tiny_generator, tmp_path / "undisturbed"))
    assert rounds_of(tmp_path / "undisturbed") > 2
    root, chance, rounds = tmp_path / "ws", random.Random(3), []
    args, held = topup_command(job, tiny_generator, root), HeldWrites(tmp_path / "held")
    for _ in range(KILLS):
        kill_between(args, held, chance.randint(1, 10), chance.uniform(0, 0.1))
        rounds.append(rounds_of(root))
    assert rounds[0] < rounds[-1], rounds  # kills fell into several rounds
    run_to_its_end(args)
    assert digests(root, FOLDERS) == digests(tmp_path / "undisturbed", FOLDERS)
