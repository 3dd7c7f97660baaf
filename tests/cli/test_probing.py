"""`isekai-gen probe` from the command line, on tiny real models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from isekai_gen.settings import read_settings
from isekai_gen.stages import counterfactuals
from tests.small_jobs import call, run_serially
from tests.stages.curated_jobs import draw_workspace, in_this_process

RUNS = 3 * 2


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, tiny_generator):
    """A workspace of four concepts without counterfactual samples; read-only."""
    folder = tmp_path_factory.mktemp("probe")
    return draw_workspace(folder, tiny_generator, 8)


@pytest.fixture(scope="module")
def sampled(drawn, tmp_path_factory, tiny_encoder):
    """The same with samples; read-only."""
    root = tmp_path_factory.mktemp("sampled") / "ws"
    shutil.copytree(drawn, root)
    with in_this_process(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(counterfactuals, "run_shards", run_serially)
        call("counterfactuals", "-w", root, "--encoder", tiny_encoder, "--quiet")
    return root


@pytest.fixture
def workspace(sampled, tmp_path):
    shutil.copytree(sampled, tmp_path / "ws")
    return tmp_path / "ws"


def probe(workspace, encoder, *more, expect=0):
    given = ["--encoder", encoder, "--seeds", "0,1", "--epochs", 1, "--batch", 8, "--quiet"]
    return call("probe", "-w", workspace, *given, *more, expect=expect)


def test_it_names_the_command_that_makes_samples(drawn, tmp_path, tiny_encoder):
    shutil.copytree(drawn, tmp_path / "ws")
    result = probe(tmp_path / "ws", tiny_encoder, expect=2)
    assert "run `isekai-gen counterfactuals`" in result.output
    assert not (tmp_path / "ws" / "reports" / "probe").exists()


def test_all_ways_are_measured_beside_the_tower_as_loaded(workspace, tiny_encoder):
    result = probe(workspace, tiny_encoder, "--hold-out", "template=drawing")
    lines = result.output.splitlines()
    ways = ("zero-shot", "plain", "distill-clean", "distill-counterfactual")
    rows = [line for line in lines if line.startswith(ways) and "[" in line]
    assert [row.split()[0] for row in rows[:4]] == list(ways)
    assert "as claimed" in result.output or "shown" in result.output
    assert "2303.03052" in result.output
    markdown = (workspace / "reports/probe/results.md").read_text()
    assert "| other style | template=drawing |" in markdown
    found = json.loads((workspace / "reports/probe/results.json").read_text())
    by_column = {}
    for each in found["measured"]:
        assert 0 <= each["accuracy"] <= 1
        assert len(each["right"]) == (1 if each["way"] == "zero-shot" else 2)
        by_column.setdefault(each["column"], []).append(each["images"])
    assert all(len(set(counts)) == 1 for counts in by_column.values())
    assert set(by_column) == {"held_out", "foreign_context", "other_style", "context_only"}


def test_finished_runs_are_not_repeated_and_the_rest_give_the_same_bytes(workspace, tiny_encoder):
    probe(workspace, tiny_encoder)
    folder = workspace / "reports" / "probe"
    before = (folder / "results.json").read_bytes()
    runs = {path: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()}
    assert len(runs) == RUNS
    lost = min(runs)
    lost.unlink()
    probe(workspace, tiny_encoder)
    assert (folder / "results.json").read_bytes() == before
    again = {path: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()}
    assert again.keys() == runs.keys()
    assert {path for path in runs if runs[path] != again[path]} == {lost}


def test_other_settings_are_other_runs(workspace, tiny_encoder):
    probe(workspace, tiny_encoder)
    probe(workspace, tiny_encoder, "--distill-weight", 3)
    assert len(list((workspace / "reports/probe/runs").iterdir())) == 2 * RUNS


def test_a_damaged_run_is_said(workspace, tiny_encoder):
    probe(workspace, tiny_encoder)
    path = min((workspace / "reports/probe/runs").iterdir())
    whole = json.loads(path.read_text())
    fewer = {name: hits[1:] for name, hits in whole["hits"].items()}
    other = {name: "2" * len(hits) for name, hits in whole["hits"].items()}
    for content in (
        path.read_text()[:20],
        json.dumps({**whole, "hits": fewer}),
        json.dumps({**whole, "hits": other}),
        "[" * 100_000,
    ):
        path.write_text(content)
        result = probe(workspace, tiny_encoder, expect=2)
        assert f"{path.name}: damaged; delete it" in result.output


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a place closed to all")
@pytest.mark.parametrize("option", ["--out", "--save"])
def test_a_place_that_cannot_be_written_is_said_before_any_run(workspace, tiny_encoder, option):
    result = probe(workspace, tiny_encoder, option, "/sys/isekai-gen", expect=3)
    assert "cannot write /sys/isekai-gen" in result.output
    assert not list(workspace.glob("reports/probe/runs/*"))


def test_weights_are_saved_only_if_asked_for(workspace, tiny_encoder, tmp_path):
    probe(workspace, tiny_encoder)
    assert not list(workspace.rglob("reports/**/*.safetensors"))
    probe(workspace, tiny_encoder, "--save", tmp_path / "weights")
    saved = sorted(path.name for path in (tmp_path / "weights").iterdir())
    assert len(saved) == RUNS
    assert saved[0] == "distill-clean-seed-0.safetensors"


def test_json_is_results_json_with_the_seconds(workspace, tiny_encoder):
    printed = json.loads(probe(workspace, tiny_encoder, "--json", "--seeds", "4").stdout)
    assert printed.pop("seconds") >= 0
    assert printed == json.loads((workspace / "reports/probe/results.json").read_text())
    assert printed["measured"][-1]["over_seeds"] is None


def test_the_settings_do_not_remember_the_probes_encoder(workspace, tiny_encoder):
    before = read_settings(workspace / "isekai.toml")
    probe(workspace, tiny_encoder)
    assert read_settings(workspace / "isekai.toml") == before


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--seeds", "0,0", "distinct numbers"),
        ("--seeds", "a", "as in 0,1,2"),
        ("--hold-out", "template=oil", "no image is of it"),
        ("--devices", "cuda:9", "is not there"),
        ("--learning-rate", "nan", "finite"),
        ("--encoder", "./nowhere", "no such file or folder"),
    ],
)
def test_what_cannot_be_honored_is_refused_before_anything_is_trained(
    workspace, tiny_encoder, option, value, said
):
    result = probe(workspace, tiny_encoder, option, value, expect=2)
    assert said in result.output
    assert not (workspace / "reports/probe").exists()
