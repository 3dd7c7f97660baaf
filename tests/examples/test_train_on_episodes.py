"""The example of training on episodes, run as its reader would, on a small workspace."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_jobs import call, environment
from tests.stages.curated_jobs import draw_workspace, in_this_process

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "train_on_episodes.py"


@pytest.fixture(scope="module")
def workspace(tiny_generator, tiny_encoder, tmp_path_factory):
    """A workspace with 4 concepts of 5 images, and episodes of them."""
    folder = tmp_path_factory.mktemp("example")
    root = draw_workspace(folder, tiny_generator, 5)
    with in_this_process():
        call("episodes", "-w", root, "--encoder", tiny_encoder, "--shots", 2, "--n", 120,
             "--out", root / "episodes" / "train.jsonl")  # fmt: skip
    return root


def test_what_cannot_be_trained_on_is_refused_in_a_line(tmp_path):
    for content, said in (
        ("", "need episodes with demonstrations"),
        ("{}\n", "episodes.jsonl:1: "),
    ):
        (tmp_path / "episodes.jsonl").write_text(content)
        done = subprocess.run(
            [sys.executable, SCRIPT, tmp_path / "episodes.jsonl", tmp_path],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert said in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_the_loss_falls(workspace):
    episodes = workspace / "episodes" / "train.jsonl"
    done = subprocess.run(
        [sys.executable, SCRIPT, episodes, workspace, "--epochs", "3"],
        env={**environment(), "OMP_NUM_THREADS": "1"},  # more threads than cores only wait
        capture_output=True,
        text=True,
        check=True,
    )
    losses = [float(line.rpartition(" ")[2]) for line in done.stdout.splitlines()]
    assert len(losses) == 3
    assert losses[-1] < 0.7 * losses[0]
