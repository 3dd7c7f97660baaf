"""calibrate and audit on the command line."""

import json
import shutil

import pytest

from isekai_gen.records import Decision
from isekai_gen.shards import encode_lines, read_records
from tests.small_jobs import call
from tests.stages.curated_jobs import draw_workspace, in_this_process


@pytest.fixture(autouse=True)
def serial():
    with in_this_process():
        yield


@pytest.fixture(scope="module")
def judged(tiny_generator, tiny_encoder, tmp_path_factory):
    """A calibrated workspace with verdicts."""
    root = draw_workspace(tmp_path_factory.mktemp("judged"), tiny_generator, 6)
    with in_this_process():
        limits = ("--max-similarity", 0.992, "--review-similarity", 0.985, "--tiers", "semantic")
        call("dedupe", "-w", root, "--encoder", tiny_encoder, *limits)
    return root


@pytest.fixture
def root(judged, tmp_path):
    shutil.copytree(judged, tmp_path / "ws")
    return tmp_path / "ws"


def test_calibrate_prints_limits_and_what_they_rest_on(root):
    told = call("calibrate", "-w", root, "--images-per-concept-sampled", 1).stdout
    assert "max_similarity" in told
    assert "24 images do not prove the budget, 2995 would" in told
    assert "near_duplicate.max_similarity = 0.992 in isekai.toml goes before" in told
    assert str(root / "reports" / "calibration.md") in told


def test_calibrate_as_json_has_what_is_on_disk(root):
    args = ("--images-per-concept-sampled", 1, "--false-merges", 20, "--seed", 7, "--json")
    told = json.loads(call("calibrate", "-w", root, *args).stdout)
    assert told["calibration"] == json.loads((root / "reports" / "calibration.json").read_text())
    assert (told["calibration"]["false_merges"], told["calibration"]["seed"]) == (20.0, 7)


@pytest.mark.parametrize(
    "wrong", [("--false-merges", 0), ("--images-per-concept-sampled", 0), ("--seed", -1)]
)
def test_calibrate_refuses_what_it_cannot_do(root, wrong):
    call("calibrate", "-w", root, *wrong, expect=2)
    assert not (root / "reports" / "calibration.json").exists()


def test_an_audit_goes_from_questions_to_decisions(root):
    drawn = json.loads(call("audit", "-w", root, "--n", 30, "--json").stdout)
    assert drawn["questions"] == sum(each["asked"] for each in drawn["strata"].values()) <= 30
    questions = [
        json.loads(line) for line in (root / "reports/audit/sample.jsonl").read_text().splitlines()
    ]
    pairs = [each for each in questions if each["ask"] == "duplicate"]
    answers = root / "answers.jsonl"
    answers.write_bytes(
        encode_lines({"schema": 1, "id": each["id"], "answer": "duplicate"} for each in pairs)
    )
    told = call("audit", "-w", root, "--answers", answers).stdout
    assert f"{len(pairs)} of {len(questions)} questions answered" in told
    assert not (root / "decisions.jsonl").exists()
    told = call("audit", "-w", root, "--answers", answers, "--decide", "--by", "ada").stdout
    assert f"{len(pairs)} decision(s) added" in told
    decisions = read_records(root / "decisions.jsonl", Decision)
    assert {(each.choice, each.by) for each in decisions} == {("duplicate", "ada")}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--decide", "--by", "ada"), "--decide needs --answers"),
        (("--answers", "FILE", "--decide"), "--decide needs --by"),
        (("--answers", "FILE", "--by", "ada"), "goes with --decide"),
        (("--answers", "FILE", "--seed", 3), "it draws no questions"),
        (("--n", 1), "too few for"),
    ],
)
def test_options_that_say_nothing_together_are_refused(root, args, said):
    file = root / "answers.jsonl"
    file.touch()
    given = [file if arg == "FILE" else arg for arg in args]
    assert said in call("audit", "-w", root, *given, expect=2).output


def test_faults_in_answers_name_file_and_line(root):
    call("audit", "-w", root, "--n", 30)
    answers = root / "answers.jsonl"
    answers.write_text('{"schema": 1, "id": "x", "answer": "drop"}\n')
    said = call("audit", "-w", root, "--answers", answers, expect=2).output
    assert f"Error: {answers}:1: 'x' is no question of this sample" in said
