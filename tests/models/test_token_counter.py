"""Counting by words gives what counting whole texts gives, only faster."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.models.spec import GeneratorSpec
from isekai_gen.models.tokens import TokenCounter, _splits_at_whitespace
from isekai_gen.prompts.faults import squeezed
from tests.tiny_models import WINDOW, build_tiny_tokenizer

TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["red", "hedgehog's", "RED", "x-ray,", "<|endoftext|>", "</s>", "1,000", "茸"]
        ),
        st.text(min_size=1, max_size=6),
    ),
    max_size=20,
).map(lambda words: squeezed(" ".join(words)))


@pytest.mark.parametrize("family", ["sd", "flux"])
@given(texts=st.lists(TEXTS, max_size=4))
@settings(max_examples=60, deadline=None)
def test_words_together_have_the_tokens_of_the_whole_text(tiny_folder, family, texts):
    counter = COUNTERS.setdefault(
        family, TokenCounter(GeneratorSpec(str(tiny_folder(family)), "t"))
    )
    assert _splits_at_whitespace(counter._tokenizer)
    whole = [len(counter._tokenizer(text, truncation=False)["input_ids"]) for text in texts]
    assert [count.used for count in counter.count(texts)] == whole


COUNTERS: dict[str, TokenCounter] = {}


def test_texts_that_do_not_fit_are_named_by_their_place(tiny_folder):
    counter = TokenCounter(GeneratorSpec(str(tiny_folder("sd")), "tiny"))
    long = "a " * (WINDOW - 2) + "red"
    ((place, count),) = counter.too_long(["a red hedgehog", long, "a"])
    assert (place, count.used, count.cut_off) == (1, WINDOW + 1, "red")
    assert counter.too_long([]) == []


def test_a_tokenizer_that_keeps_whitespace_is_asked_for_whole_texts(tiny_folder):
    from tokenizers import pre_tokenizers

    counter = TokenCounter(GeneratorSpec(str(tiny_folder("sd")), "tiny"))
    tokenizer = build_tiny_tokenizer()
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert not _splits_at_whitespace(tokenizer)
    tokenizer.backend_tokenizer.pre_tokenizer = None
    assert not _splits_at_whitespace(tokenizer)
    assert _splits_at_whitespace(counter._tokenizer)
