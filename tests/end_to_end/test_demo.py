"""`isekai-gen demo` as a newcomer meets it: through, again, interrupted; always the same files."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from isekai_gen.workspace import Workspace
from tests.demo_jobs import IMAGES_PER_CONCEPT, demo_command, newcomers_environment
from tests.held_writes import HeldWrites
from tests.small_jobs import call, digests, run_cli
from tests.stages.curated_jobs import in_this_process

CONCEPTS = 40
COUNTS = ("planned", "generated", "failed", "pending", "kept")
# One step draws mush, and does so eight times as fast; the demo takes settings from the file.
MUSH = "[generate]\nnum_inference_steps = 1\nshard_size = 8\n"


def every_file(root: Path) -> dict[str, str]:
    """Digest of each file but the lock, which names the last process that wrote."""
    return {name: digest for name, digest in digests(root, [""]).items() if name != ".lock"}


def pictures(root: Path) -> list[Path]:
    return sorted(root.glob("images/*/*.png"))


@pytest.mark.slow
def test_says_what_it_is_for_what_it_made_and_what_comes_next(demo_run):
    first = demo_run.stderr.splitlines()[0]
    assert "starter models are for trying things out" in first
    assert "--model stabilityai/sdxl-turbo" in first
    lines = demo_run.stdout.splitlines()
    assert f"Release (verified): {demo_run.release}" in lines
    assert f"Contact sheet: {demo_run.release / 'preview/contact_sheet.jpg'}" in lines
    assert lines[-1] == f"Next: isekai-gen status -w {demo_run.root}"
    assert "Traceback" not in demo_run.stderr
    assert "Warning" not in demo_run.stderr


@pytest.mark.slow
def test_needs_no_network(demo_run):
    if not demo_run.offline:
        pytest.skip("this machine does not allow network namespaces")
    assert len(pictures(demo_run.root)) == CONCEPTS * IMAGES_PER_CONCEPT


@pytest.mark.slow
def test_its_numbers_add_up_and_are_those_of_the_files(demo_run):
    done = run_cli(["status", "-w", demo_run.root, "--json"])
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    by_concept = status["by_concept"]
    assert len(by_concept) == CONCEPTS
    for counts in (status, *by_concept.values()):
        assert counts["planned"] == counts["generated"] + counts["failed"] + counts["pending"]
        assert counts["generated"] == counts["kept"] + sum(counts["dropped"].values())
    for name in COUNTS:
        assert status[name] == sum(counts[name] for counts in by_concept.values()), name
    assert all(c["planned"] == IMAGES_PER_CONCEPT for c in by_concept.values())
    assert (status["failed"], status["pending"]) == (0, 0)
    assert status["generated"] == len(pictures(demo_run.root))
    assert status["kept"] == len(list(demo_run.release.glob("images/**/*.png")))


@pytest.mark.slow
def test_run_again_it_has_nothing_to_do_and_changes_no_file(demo_run):
    before = every_file(demo_run.root)
    again = run_cli(["demo", "-w", demo_run.root, "-n", IMAGES_PER_CONCEPT])
    assert again.returncode == 0, again.stderr
    assert "Nothing to do" in again.stdout
    assert every_file(demo_run.root) == before


def start_demo(root: Path, home: Path, held: HeldWrites) -> subprocess.Popen[str]:
    root.mkdir()
    home.mkdir(exist_ok=True)
    (root / "isekai.toml").write_text(MUSH)
    return subprocess.Popen(
        demo_command(root, 1),
        env={
            **newcomers_environment(home),
            **held.variables,
            "SOURCE_DATE_EPOCH": "1700000000",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that the signal reaches its workers, as a terminal's does
    )


@pytest.mark.slow
@pytest.mark.long
def test_ctrl_c_stops_with_a_hint_and_a_rerun_ends_like_an_undisturbed_run(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    root, home = tmp_path / "interrupted", tmp_path / "home"
    held = HeldWrites(tmp_path / "held")
    held.hold("*/done/generate/part-00004.json")  # so that it is still drawing
    process = start_demo(root, home, held)
    while len(pictures(root)) < CONCEPTS // 4 and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert "run again to continue" in stderr
    assert "Traceback" not in stderr
    half_done = {k: v for k, v in digests(root, ["images"]).items() if k.endswith(".png")}
    assert 0 < len(half_done) < CONCEPTS
    assert not (root / "release").exists()

    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    (undisturbed / "isekai.toml").write_text(MUSH)
    with in_this_process():
        for workspace in (root, undisturbed):
            call("demo", "-w", workspace, "-n", 1)
    finished = every_file(root)
    assert finished == every_file(undisturbed)
    assert half_done.items() <= finished.items()
    assert len(Workspace(root).parts("records")) >= CONCEPTS // 8  # it went on among shards
