"""topup and yields as commands: what they print and how they end."""

import json

import pytest

from isekai_gen.stages import embed, generate, looks
from tests.small_jobs import TINY, call, run_serially, write_job

# At this limit some of the tiny generator's images are dropped (tests/stages/test_topup.py).
SOME = "0.955"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    for stage in (generate, embed, looks):
        monkeypatch.setattr(stage, "run_shards", run_serially)


@pytest.fixture
def topup(tiny_generator, tmp_path):
    """Run topup in one workspace, with a limit and more options."""
    job = write_job(tmp_path)
    drawing = [str(t) for key, v in TINY.items() for t in (f"--{key.replace('_', '-')}", v)]
    files = ["--concepts", job.catalog, "--templates", job.templates, "--model", tiny_generator]

    def run(max_similarity, *options, expect=0):
        limits = ["--max-similarity", max_similarity, "--max-margin", "2"]
        args = ["-w", tmp_path / "ws", *files, *drawing, *limits, *options]
        return call("topup", *args, expect=expect)

    return run


def test_it_draws_as_many_as_are_to_be_kept_and_shows_a_row_for_each_concept(topup, tmp_path):
    shown = topup("1", "--kept", 2)
    rows = [line.split() for line in shown.stdout.splitlines()[:5]]
    assert rows[0] == ["concept", "wanted", "kept", "failed", "drawn", "rounds", "state"]
    assert rows[1] == ["cactihog", "2", "2", "0", "2", "1", "reached"]
    assert "Round 1: 8 images for 4 concept(s)" in shown.stderr
    assert "images_per_concept = 2" in (tmp_path / "ws/isekai.toml").read_text()
    assert topup("1", "--kept", 2).stdout.startswith("Nothing to do")


def test_a_spent_budget_ends_with_3_and_says_what_to_do(topup):
    shown = topup("0.9", "--kept", 3, "--max-attempts", 4, expect=3)
    assert "budget spent" in shown.stdout
    assert "Words that lose the most images" in shown.stdout
    assert "4 concept(s) keep fewer than 3 images out of 4: raise --max-attempts" in shown.stderr


def test_a_larger_first_round_can_be_asked_for(topup):
    shown = topup("1", "--kept", 1, "-n", 3, "--json")
    found = json.loads(shown.stdout)
    assert {entry["drawn"] for entry in found["concepts"]} == {3}
    assert found["max_attempts"] == 12
    assert found["yields"]["total"]["kept"] == 12


def test_yields_are_shown_for_any_workspace_worst_first(topup, tmp_path):
    topup(SOME, "--kept", 3)
    found = json.loads(call("yields", "-w", tmp_path / "ws", "--json").stdout)
    assert found == json.loads((tmp_path / "ws/reports/yield.json").read_text())["yields"]
    shown = call("yields", "-w", tmp_path / "ws").stdout
    words = [word for word in found["by_slot_value"] if word["name"] == "place"]
    lines = [line for line in shown.splitlines() if line.startswith("place = ")]
    assert [line.split("  ")[0] for line in lines] == [
        f"place = {word['value'] or '(nothing)'}" for word in words
    ]
    assert "near_duplicate" in shown
    assert "... and 3 more" in call("yields", "-w", tmp_path / "ws", "--limit", 1).stdout


def test_yields_say_what_no_filter_has_judged(tiny_generator, tmp_path):
    job = write_job(tmp_path)
    drawing = [str(t) for key, v in TINY.items() for t in (f"--{key.replace('_', '-')}", v)]
    files = ["--concepts", job.catalog, "--templates", job.templates, "--model", tiny_generator]
    call("generate", "-w", tmp_path / "ws", "-n", 1, *files, *drawing)
    shown = call("yields", "-w", tmp_path / "ws")
    assert "No filter has judged" in shown.stderr
    call("dedupe", "-w", tmp_path / "ws")
    call("generate", "-w", tmp_path / "ws", "-n", 2)
    shown = call("yields", "-w", tmp_path / "ws")
    assert "4 image(s) are new since near_duplicate judged" in shown.stderr


def test_yields_need_a_plan(tmp_path):
    shown = call("yields", "-w", tmp_path, expect=2)
    assert "run `isekai-gen generate --concepts FILE` first" in shown.stderr
