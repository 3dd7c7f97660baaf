"""`isekai-gen run` in real processes: through, nothing to do, grown; without any network."""

import json
import subprocess
import time

import pytest

from isekai_gen.release.verify import verify_release
from isekai_gen.workspace import Workspace
from tests.small_jobs import arguments, command, digests, environment, run_cli

LIMITS = ["--max-margin", "2", "--max-similarity", "1"]


@pytest.mark.slow
def test_runs_through_finds_nothing_to_do_and_grows(job, tiny_generator, tiny_encoder, tmp_path):
    root = tmp_path / "ws"
    _, *common = arguments(job, tiny_generator, root, images=3)
    first = run_cli(["run", *common, "--encoder", tiny_encoder, *LIMITS, "--json"])
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    assert report["worked"]
    assert report["kept"] == 12
    assert report["manifests"] == {"ISEKAI-10": 12, "ISEKAI-pair": 6}
    assert verify_release(root / "release") == []
    assert "Embedding class names" in first.stderr  # those of ImageNet-1k: no starter encoder

    before = everything(root)
    again = run_cli(["run", "-w", root])
    assert again.returncode == 0, again.stderr
    assert "Nothing to do" in again.stdout
    assert everything(root) == before

    grown = run_cli(["run", "-w", root, "-n", "4"])
    assert grown.returncode == 0, grown.stderr
    assert "The plan grew by 4 images" in grown.stderr
    assert "holds what was kept earlier: renamed" in grown.stderr
    assert verify_release(root / "release") == []
    assert len(list(root.glob("release-*"))) == 1
    images = {k: v for k, v in before.items() if k.startswith("images/")}
    assert images.items() <= digests(root, ["images"]).items()


@pytest.mark.slow
def test_needs_no_network(job, tiny_generator, tiny_encoder, tmp_path):
    """The same in a network namespace of its own, where not even loopback is up."""
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow network namespaces")
    root = tmp_path / "ws"
    args = arguments(job, tiny_generator, root, images=1)
    for step in (args, ["embed", "-w", root, "--encoder", tiny_encoder], ["status", "-w", root]):
        done = subprocess.run(
            ["unshare", "-rn", *command(step)],
            env={k: v for k, v in environment().items() if k != "HF_HUB_OFFLINE"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert len(list(Workspace(root).root.glob("images/*/*.png"))) == 4


def test_a_hub_model_that_is_not_here_is_one_line_at_once(job, tmp_path):
    args = arguments(job, "somebody/no-such-model", tmp_path / "ws")
    started = time.monotonic()
    done = run_cli(args)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: somebody/no-such-model")
    assert len(done.stderr.strip().splitlines()) == 1
    assert time.monotonic() - started < 3


def everything(root):
    found = digests(root, [""])
    del found[".lock"]  # names the last writer's process
    return found
