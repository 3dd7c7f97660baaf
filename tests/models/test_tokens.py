"""Prompts are counted with the model's own tokenizers."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import ModelError
from isekai_gen.models.spec import GeneratorSpec
from isekai_gen.models.tokens import TokenCount, count_tokens
from tests.tiny_models import WINDOW


def count(folder, text) -> TokenCount:
    (counted,) = count_tokens(GeneratorSpec(str(folder), "tiny"), [text])
    return counted


def test_a_short_prompt_fits(tiny_folder):
    assert count(tiny_folder("sd"), "a red hedgehog") == TokenCount(5, WINDOW, "")


def test_the_words_cut_off_are_named(tiny_folder):
    prompt = "a " * (WINDOW - 2) + "red Hedgehog"
    assert count(tiny_folder("sd"), prompt) == TokenCount(WINDOW + 2, WINDOW, "red Hedgehog")


@pytest.mark.parametrize("family", ["sd", "sdxl", "sd3"])
def test_a_prompt_that_just_fits_is_whole(tiny_folder, family):
    just = count(tiny_folder(family), "a " * (WINDOW - 2))
    assert (just.used, just.cut_off) == (WINDOW, "")
    assert count(tiny_folder(family), "a " * (WINDOW - 1)).cut_off == "a"


def test_the_widest_encoder_decides(tiny_folder):
    counted = count(tiny_folder("flux"), "a " * (WINDOW + 20))
    assert (counted.limit, counted.cut_off) == (512, "")


@given(st.lists(st.sampled_from(["red", "snail", "octopus", "hill,"]), min_size=1, max_size=40))
@settings(max_examples=20, deadline=None)
def test_the_part_that_is_seen_fits_exactly(tiny_folder, words):
    prompt = " ".join(words)
    counted = count(tiny_folder("sd"), prompt)
    assert prompt.endswith(counted.cut_off)
    assert bool(counted.cut_off) == (counted.used > counted.limit)
    if counted.cut_off:
        seen = prompt[: len(prompt) - len(counted.cut_off)]
        assert count(tiny_folder("sd"), seen).used == counted.limit


def test_a_broken_tokenizer_is_one_line(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder("sd"), tmp_path / "copy")
    (folder / "tokenizer" / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="the tokenizer cannot be loaded"):
        count(folder, "a")
