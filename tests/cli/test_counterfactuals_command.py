"""`isekai-gen counterfactuals`: said, refused, killed, continued."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.held_writes import HeldWrites
from tests.small_jobs import call, command, digests
from tests.stages.counterfactual_jobs import samples_in_this_process
from tests.stages.curated_jobs import draw_workspace

SAMPLES = ("counterfactuals",)


@pytest.fixture(scope="module")
def drawn(tiny_generator, tmp_path_factory):
    return draw_workspace(tmp_path_factory.mktemp("drawn"), tiny_generator, 2)


@pytest.fixture
def root(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / "ws")
    return tmp_path / "ws"


def test_filler_sources_that_nothing_fills_from_are_refused(root):
    result = call(
        "counterfactuals", "-w", root, "--refill", "none", "--filler-source", "same", expect=2
    )
    assert "needs --refill single or multi" in result.output
    assert not (root / "counterfactuals").exists()


@pytest.mark.parametrize("limit", ["1", "-0.1", "much"])
def test_a_limit_out_of_range_is_refused(root, limit):
    call("counterfactuals", "-w", root, "--limit", limit, expect=2)


def test_without_a_workspace_there_is_nothing_to_make_samples_of(tmp_path):
    assert "no workspace" in call("counterfactuals", "-w", tmp_path, expect=2).output


def test_the_manifest_of_samples_that_are_not_there_says_what_to_run(root):
    result = call("manifest", "-w", root, "--format", "counterfactual", expect=2)
    assert "isekai-gen counterfactuals" in result.output


def test_made_counted_listed_and_shown(root, tiny_encoder, tmp_path):
    given = ["-w", root, "--encoder", tiny_encoder, "--devices", "cpu"]
    with samples_in_this_process():
        done = call("counterfactuals", *given, "--quiet", "--json", "--sheet", tmp_path / "s.png")
    said = json.loads(done.output)
    assert said["planned"] == said["made"] == 16
    assert (said["limit"], said["limit_source"]) == (0.3, "default")
    assert (tmp_path / "s.png").is_file()
    status = json.loads(call("status", "-w", root, "--json").output)
    assert status["counterfactuals"]["kept"] == said["kept"]
    assert status["planned"] == 8
    listed = json.loads(
        call("manifest", "-w", root, "--format", "counterfactual", "--quiet", "--json").output
    )
    assert listed[0]["rows"] == said["kept"]


@pytest.mark.slow
@pytest.mark.long
def test_killed_anywhere_and_run_again_the_files_are_the_same(root, tiny_encoder, tmp_path):
    calm = tmp_path / "calm"
    shutil.copytree(root, calm)
    given = ["--encoder", tiny_encoder, "--devices", "cpu", "--quiet", "--per-image", 4]
    given += ["--refill", "multi", "--refill", "single", "--with-random-control"]
    with samples_in_this_process():
        call("counterfactuals", "-w", calm, *given)
    held = HeldWrites(tmp_path / "held")
    for wanted in ("images", "records/part-00000.jsonl"):
        held.hold(f"{root}/counterfactuals/done/make/part-*.json")
        running = subprocess.Popen(
            command(["counterfactuals", "-w", root, *given]),
            env=held.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not (root / "counterfactuals" / wanted).exists():
            assert running.poll() is None
            time.sleep(0.005)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    with samples_in_this_process():
        call("counterfactuals", "-w", root, *given)
    assert digests(root, SAMPLES) == digests(calm, SAMPLES)
