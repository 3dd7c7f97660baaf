"""isekai-gen prompts."""

import json

import pytest
from click.testing import CliRunner

from isekai_gen.cli import command_line
from tests.tiny_models import WINDOW

TEMPLATES = """schema: 1
templates:
  - id: plain
    weight: 3
    text: "{a} {short} {in|on} __place__"
    negative: "blurry"
  - id: long
    text: "{short} LONG"
"""


@pytest.fixture
def shown(job):
    """Call `prompts` for the job with a wildcard; returns what it prints."""
    (job.folder / "wild").mkdir()
    (job.folder / "wild" / "place.txt").write_text("snow\nsand\n")
    job.templates.write_text(TEMPLATES.replace("LONG", "end " * WINDOW))

    def call(*options, expect=0):
        files = ["--concepts", job.catalog, "--templates", job.templates]
        places = ["--wildcards", job.folder / "wild", "-w", job.folder / "ws"]
        arguments = ["prompts", *files, *places, *options]
        result = CliRunner().invoke(command_line, [str(argument) for argument in arguments])
        assert result.exit_code == expect, result.output
        return result.stdout if expect == 0 else result.stderr

    return call


def test_the_space_is_counted_and_the_first_prompts_shown(shown):
    lines = shown("--limit", 2, "--templates-detail").splitlines()
    assert lines[:3] == ["cactihog: 5 different prompts", "  plain: 4", "  long: 1"]
    assert lines[3].startswith("  a hedgehog with cactus spines ")
    assert len(lines) == 4 * 5


def test_no_more_prompts_are_shown_than_there_are(shown):
    assert len(shown("--limit", 50).splitlines()) == 4 * 6
    assert len(shown("--limit", 50, "--sampling", "random").splitlines()) == 4 * 51


def test_bindings_are_shown_under_their_prompt(shown):
    text = shown("--limit", 1, "--sampling", "exhaustive", "--bindings")
    assert text.splitlines()[:7] == [
        "cactihog: 5 different prompts",
        "  a hedgehog with cactus spines in snow",
        "      template = plain",
        "      short = hedgehog with cactus spines",
        "      v1 = in",
        "      place = snow",
        "      negative: blurry",
    ]


def test_tokens_are_counted_with_the_words_cut_off(shown, tiny_generator):
    text = shown("--limit", 5, "--tokens", "--model", tiny_generator)
    assert f"      tokens: 8 of {WINDOW}" in text
    assert f"      negative tokens: 7 of {WINDOW}" in text
    assert f" of {WINDOW}; cut off: '" in text
    assert " end end end'" in text


def test_json_has_everything(shown, tiny_generator):
    options = ("--limit", 1, "--sampling", "exhaustive", "--tokens", "--model", tiny_generator)
    concept = json.loads(shown(*options, "--json"))["cactihog"]
    assert (concept["count"], concept["count_by_template"]) == (5, {"long": 1, "plain": 4})
    (prompt,) = concept["prompts"]
    assert prompt["text"] == "a hedgehog with cactus spines in snow"
    assert prompt["slots"] == {"place": "snow", "short": "hedgehog with cactus spines", "v1": "in"}
    assert prompt["tokens"]["limit"] == WINDOW
    assert prompt["negative_tokens"]["cut_off"] == ""


def test_a_fault_in_a_template_is_told_with_its_place(shown, job):
    job.templates.write_text(TEMPLATES.replace("{in|on}", "{in||on}"))
    assert "templates.yaml:5:28: empty variant" in shown(expect=2)
