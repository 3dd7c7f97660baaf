"""Likeness of texts by letters: kept sets give the same numbers as comparing all pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.prompts.likeness import alike_texts
from isekai_gen.proposals.text_checks import Likeness, LikeTexts

TEXTS = st.text("ab C", min_size=1, max_size=12).filter(str.strip)


def similarity(a: str, b: str) -> float:
    """As `alike_texts` has it; 0 below its least limit."""
    found = list(alike_texts([a, b], 1e-9))
    return found[0][2] if found else 0.0


@given(TEXTS, TEXTS)
def test_two_texts_are_as_alike_as_in_a_search_of_pairs(a, b):
    assert Likeness()(a, b) == similarity(a, b)


@given(st.lists(TEXTS, min_size=1, max_size=8), TEXTS)
def test_the_nearest_of_many_is_the_first_of_the_most_alike(texts, text):
    key, found = LikeTexts({str(n): one for n, one in enumerate(texts)}).nearest(text)
    similarities = [similarity(text, one) for one in texts]
    assert found == pytest.approx(max(similarities))
    assert int(key) == similarities.index(max(similarities))


def test_case_and_whitespace_do_not_matter():
    assert Likeness()("A  Green\nCactus", "a green cactus") == 1
