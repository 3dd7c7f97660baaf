"""`isekai-gen run` in real processes: through, nothing to do, grown; without any network."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from isekai_gen.release.verification.verify import verify_release
from tests.demo_jobs import network_namespace
from tests.release_answers import answer_all
from tests.small_jobs import arguments, call, command, digests, environment, run_cli, write_job
from tests.stages.curated_jobs import in_this_process

LIMITS = ["--max-margin", "2", "--max-similarity", "1"]


@dataclass(frozen=True)
class FirstRun:
    """A run that went through.

    Attributes:
        root: Its workspace; never changed, only copied.
        offline: Whether it ran where not even loopback is up.
        stdout: What it printed.
        stderr: What it told meanwhile.
    """

    root: Path
    offline: bool
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def first_run(tiny_generator, tiny_encoder, tmp_path_factory) -> FirstRun:
    folder = tmp_path_factory.mktemp("first")
    root, prefix = folder / "ws", network_namespace()
    root.mkdir()
    answer_all(root)
    _, *common = arguments(write_job(folder), tiny_generator, root, images=3)
    done = subprocess.run(
        [*prefix, *command(["run", *common, "--encoder", tiny_encoder, *LIMITS, "--json"])],
        env={key: value for key, value in environment().items() if key != "HF_HUB_OFFLINE"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return FirstRun(root, bool(prefix), done.stdout, done.stderr)


@pytest.mark.slow
def test_needs_no_network(first_run):
    if not first_run.offline:
        pytest.skip("this machine does not allow network namespaces")
    assert len(list(first_run.root.glob("images/*/*.png"))) == 12


@pytest.mark.slow
def test_runs_through_finds_nothing_to_do_and_grows(first_run, tmp_path):
    root = tmp_path / "ws"
    shutil.copytree(first_run.root, root)
    report = json.loads(first_run.stdout)
    assert report["worked"]
    assert report["kept"] == 12
    assert report["manifests"] == {"ISEKAI-10": 12, "ISEKAI-pair": 6}
    assert verify_release(root / "release") == []
    assert "Embedding class names" in first_run.stderr  # those of ImageNet-1k: no starter encoder

    before = everything(root)
    again = run_cli(["run", "-w", root])
    assert again.returncode == 0, again.stderr
    assert "Nothing to do" in again.stdout
    assert everything(root) == before

    with in_this_process():
        grown = call("run", "-w", root, "-n", 4)
    assert "The plan grew by 4 images" in grown.stderr
    assert "holds what was kept earlier: renamed" in grown.stderr
    assert verify_release(root / "release") == []
    assert len(list(root.glob("release-*"))) == 1
    images = {k: v for k, v in before.items() if k.startswith("images/")}
    assert images.items() <= digests(root, ["images"]).items()


@pytest.mark.slow
def test_a_run_whose_authors_have_not_answered_makes_all_but_the_release(first_run, tmp_path):
    root = tmp_path / "ws"
    shutil.copytree(first_run.root, root)
    shutil.rmtree(root / "release")
    (root / "release.toml").unlink()
    with in_this_process():
        unanswered = call("run", "-w", root, expect=3)
        assert "release.toml" in unanswered.stderr
        assert "answers left" in unanswered.stderr
        assert "Nothing to do" not in unanswered.stdout
        assert "TODO" in (root / "release.toml").read_text()
        assert not (root / "release").exists()
        answer_all(root)
        call("run", "-w", root)
    assert verify_release(root / "release") == []


TELLS_WHAT_IT_IMPORTED = """
import atexit, sys
from isekai_gen.cli import main
atexit.register(lambda: print(*{"torch", "diffusers", "transformers"} & sys.modules.keys()))
main()
"""


def test_a_hub_model_that_is_not_here_is_one_line_before_anything_is_loaded(job, tmp_path):
    args = arguments(job, "somebody/no-such-model", tmp_path / "ws")
    done = subprocess.run(
        [sys.executable, "-c", TELLS_WHAT_IT_IMPORTED, *args],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "\n")
    assert done.stderr.startswith("Error: somebody/no-such-model")
    assert len(done.stderr.strip().splitlines()) == 1


def everything(root):
    found = digests(root, [""])
    del found[".lock"]  # names the last writer's process
    return found
