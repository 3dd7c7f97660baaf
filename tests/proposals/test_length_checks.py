"""Prompts that CLIP would cut are told with the words that are lost."""

import subprocess
import sys
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.prompts import shipped_catalog_path, shipped_templates_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.prompts.expansion import count_prompts, iter_prompts
from isekai_gen.prompts.templates import load_templates
from isekai_gen.proposals.catalog_text import proposals_of
from isekai_gen.proposals.length_checks import PromptLengths, TextWindow, clip_window
from tests.proposals.check_entries import GOOD, fictional
from tests.small_jobs import environment

TEMPLATES = """schema: 1
lists:
  place: [in the snow, "on {a} {soft|very very soft} bed", ""]
templates:
  - id: plain
    text: "a photo of {a} {name}, {description}"
  - id: placed
    text: "{1-2$$ and $$red|pale green} drawing of {a} {name}, {description}, {place}"
"""


@cache
def clips_own():
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()


def lengths(tmp_path, max_tokens):
    path = tmp_path / "templates.yaml"
    path.write_text(TEMPLATES, encoding="utf-8")
    return PromptLengths(load_templates(path), clip_window(max_tokens))


def test_the_longest_prompt_is_counted_with_clips_own_tokenizer(tmp_path):
    templates = tmp_path / "templates.yaml"
    templates.write_text(TEMPLATES, encoding="utf-8")
    read = load_templates(templates)
    concept = load_catalog(shipped_catalog_path()).concepts[0]
    prompts = iter_prompts(read, concept, range(count_prompts(read, concept)), 0)
    longest = max(len(clips_own().encode(prompt.text)) + 2 for prompt in prompts)
    proposal = proposals_of(load_catalog(shipped_catalog_path()))[0]

    def fitting(most):
        return PromptLengths(read, clip_window(most)).findings(proposal)

    assert "fictional" not in [f.part for f in fitting(longest)]
    (found,) = [f for f in fitting(longest - 1) if f.part != "real"]
    assert f"has {longest} tokens, 1 more than the {longest - 1}" in found.message
    assert "cut off: 'bed'" in found.message


ASCII = st.text(st.characters(min_codepoint=0, max_codepoint=127), max_size=30)
MENDED = st.sampled_from(["&amp;amp; &lt", "<end_of_text>", "caf\xe9"])


@settings(max_examples=40, deadline=None)
@given(ASCII | st.text(max_size=12) | MENDED)
def test_every_text_has_as_many_tokens_as_clips_own_tokenizer_makes(text):
    words = sum(len(clips_own().encode(word)) for word in text.split())
    assert clip_window(77).count(text) == words + 2


def test_english_is_counted_without_torch():
    code = (
        "import sys\n"
        "from isekai_gen.proposals.length_checks import clip_window\n"
        "assert clip_window(77).count('a photo of an octopus') == 7\n"
        "print(sorted({'torch', 'open_clip'} & sys.modules.keys()))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert said.stdout == "[]\n"


def test_the_words_that_are_cut_off_are_told(tmp_path):
    long = fictional(description="a round animal " + "with green spines " * 20 + "at last")
    (found,) = lengths(tmp_path, 77).findings(long)
    assert (found.code, found.part, found.field) == ("prompt_too_long", "fictional", "description")
    assert "template 'placed'" in found.message
    assert "with green spines at last, on a very very soft bed'" in found.message
    assert found.suggestion.startswith("shorten the description by some ")
    assert not [*lengths(tmp_path, 77).findings(GOOD)]


@pytest.mark.parametrize("which", ["photo", "starter"])
def test_the_shipped_catalog_fits_the_shipped_templates(which):
    checked = PromptLengths(load_templates(shipped_templates_path(which)), clip_window(77))
    for proposal in proposals_of(load_catalog(shipped_catalog_path())):
        assert not [*checked.findings(proposal)]


def test_what_makes_a_prompt_too_long_is_the_text_that_the_template_speaks(tmp_path):
    path = tmp_path / "templates.yaml"
    path.write_text('schema: 1\ntemplates:\n  - id: one\n    text: "{a} {short} in snow"\n')
    long = fictional(short="hedgehog with " + "green spines and " * 4 + "a hat")
    window = TextWindow("the model", 12, lambda text: len(text.split()))
    (found,) = PromptLengths(load_templates(path), window).findings(long)
    assert (found.part, found.field) == ("fictional", "short")
    assert "has 19 tokens, 7 more than the 12 that the model reads" in found.message
    assert found.message.endswith("cut off: 'green spines and a hat in snow'")
