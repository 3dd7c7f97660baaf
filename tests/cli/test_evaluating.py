"""`evaluate` as people call it."""

import json
import re

import pytest

from tests.evaluation.chat_server import MODEL, answered, serving
from tests.evaluation.small_sets import draw_images, isekai_rows, write_lines
from tests.small_jobs import call
from tests.stages.curated_jobs import draw_workspace


@pytest.fixture
def received(tmp_path):
    """What is given outside a workspace: a manifest and its images."""
    manifest = write_lines(tmp_path / "ISEKAI-10.json", isekai_rows())
    images = draw_images(tmp_path / "in")
    return ("--manifest", manifest, "--images", images, "--out", tmp_path / "out")


def test_in_a_workspace_the_baseline_is_evaluated_on_its_manifest(tmp_path, tiny_generator):
    root = draw_workspace(tmp_path, tiny_generator, 4)
    call("manifest", "-w", root, "--format", "isekai-10", "--shots", 2, "--quiet")
    manifest = root / "manifests/ISEKAI-10.json"
    given = ("-w", root, "--manifest", manifest, "--model", "clip:starter", "--quiet")
    done = call("evaluate", *given)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["accuracy", "(lcl", "and", "strict", "agree)", "0", "2", "4"]
    assert sum(line.startswith("accuracy") for line in lines) == 1
    assert re.match(r"clip:starter +\d\.\d\d  \d\.\d\d  \d\.\d\d$", lines[1])
    rows = len(manifest.read_text().splitlines())
    counted = f"clip:starter: {3 * rows} questions = 0 known + {3 * rows} asked"
    assert counted in lines
    folder = root / "evaluations/isekai-10"
    found = json.loads((folder / "results.json").read_bytes())["models"][0]["conditions"]
    assert all(each["metrics"].keys() == {"lcl", "strict"} for each in found)
    assert str(folder / "results.md") in lines
    before = (folder / "results.json").read_bytes()
    again = call("evaluate", *given)
    assert f"clip:starter: {3 * rows} questions = {3 * rows} known + 0 asked" in again.stdout
    assert (folder / "results.json").read_bytes() == before


def test_outside_a_workspace_models_compare_in_one_table(received):
    def answer(request):
        texts = json.dumps(request.body["messages"])
        assert "data:image/png;base64" in texts
        assert "dax/" not in texts
        return answered('there is "dax" in the image.')

    with serving(answer) as server:
        name = f"openai:{server.base_url}#{MODEL}"
        done = call(
            "evaluate",
            *received,
            *("--model", name, "--model", "clip:starter"),
            *("--shots", "2,4", "--metric", "strict", "--name", "both models", "--json"),
            *("--prompt-price", 2, "--completion-price", 10, "--no-plot", "--quiet"),
        )
    told = json.loads(done.stdout)
    served, clip = told["models"]
    assert [model["name"] for model in (served, clip)] == [
        f"openai:127.0.0.1:{server.server_port}#{MODEL}",
        "clip:starter",
    ]
    assert [each["metrics"]["strict"]["accuracy"] for each in served["conditions"]] == [0.5, 0.5]
    assert served["prompt_tokens"] == 12 * 100
    assert served["cost"] == pytest.approx((1200 * 2 + 84 * 10) / 1e6)
    assert (clip["prompt_tokens"], clip["cost"]) == (None, None)
    assert told["counts"][0]["asked"] == 12
    table = (received[5] / "both-models/results.md").read_text()
    assert f"| openai:127.0.0.1:{server.server_port}#{MODEL} | 0.50 | 0.50 |" in table


def test_metrics_that_count_an_answer_differently_have_a_table_each(received):
    with serving(lambda _: answered("A Dax.")) as server:
        name = f"openai:{server.base_url}#{MODEL}"
        done = call("evaluate", *received, "--model", name, "--shots", "2", "--quiet")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["accuracy", "(lcl)", "2"]
    assert lines[1].endswith(" 0.00")
    assert lines[2].split() == ["accuracy", "(strict)", "2"]
    assert lines[3].endswith(" 0.50")


def test_failures_that_may_pass_end_with_exit_code_3(received):
    (received[3] / "dax/0.png").write_bytes(b"no picture")
    done = call("evaluate", *received, "--model", "clip:starter", "--shots", 2, expect=3)
    assert "6 questions = 0 known + 6 asked; 1 failed, 1 of them are asked again" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--model", "gpt-4"), "openai:BASE_URL#MODEL"),
        (("--model", "clip:starter", "--shots", "3"), "did you mean 6"),
        (("--model", "clip:starter", "--shots", "8"), "can give 4"),
        (("--model", "clip:starter", "--ablation", "noise"), "false-labels=0,0.5,1"),
        (("--model", "clip:starter", "--timeout", "3"), "--timeout is for models of kind openai"),
        (("--model", "clip:starter", "--batch-size", "3"), "--batch-size is for models of kind hf"),
        (("--model", "clip:starter", "--max-tokens", "3"), "kind hf, openai"),
        (("--model", "openai:http://127.0.0.1:1/v1#m", "--devices", "cpu"), "--devices"),
        (("--model", "openai:http://127.0.0.1:1/v1#m", "--prompt-price", "1"), "belong together"),
        (("--model", "openai:http://127.0.0.1:1/v1#m", "--timeout", "inf"), "not in the range"),
        (("--model", "openai:http://127.0.0.1:1/v1#m", "--temperature", "nan"), "not a finite"),
        (("--model", "openai:http://127.0.0.1:1/v1#m", "--timeout", "1e300"), "not in the range"),
        (("--model", "clip:starter", "--devices", "cuda:0,cuda:1"), "more than one device"),
        (("--model", "clip:starter", "--devices", "all"), "more than one device"),
        (
            (
                *("--model", "openai:http://127.0.0.1:1/v1#m"),
                *("--temperature", "1", "--leave-out", "temperature"),
            ),
            "give one of them",
        ),
        (("--model", "clip:starter", "-w", "elsewhere"), "not both"),
        (("--model", "clip:no/such"), "unknown encoder architecture 'no'"),
        (("--model", "clip:starter", "--words", __file__), "test_evaluating.py"),
        (("--model", "clip:starter", "--images", "/nowhere"), "/nowhere is no folder"),
    ],
)
def test_wrong_options_are_refused_in_one_line(received, options, said):
    done = call("evaluate", *received, *options, expect=2)
    assert said in done.stderr
    assert not (received[5] / "isekai-10").exists()


def test_outside_a_workspace_the_images_must_be_named(received):
    done = call("evaluate", *received[:2], *received[4:], "--model", "clip:starter", expect=2)
    assert "name the image folder with --images" in done.stderr


def test_where_there_is_no_workspace_it_is_said_how_to_do_without(received, tmp_path):
    given = (*received[:2], "-w", tmp_path / "nothing", "--model", "clip:starter")
    done = call("evaluate", *given, expect=2)
    assert "--out" in done.stderr


def test_results_are_not_written_into_a_release(received, tmp_path):
    (received[3] / "release.json").write_text("{}")
    inside = (*received[:5], received[3] / "results")
    done = call("evaluate", *inside, "--model", "clip:starter", expect=2)
    assert "release verify" in done.stderr
    assert not inside[5].exists()


def test_other_files_beside_the_results_stay(received):
    mine = received[5] / "work/.tmp-mine"
    mine.mkdir(parents=True)
    call("evaluate", *received, "--model", "clip:starter", "--shots", 2, "--quiet")
    assert mine.is_dir()
