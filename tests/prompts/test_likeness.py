import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.prompts.likeness import alike_texts


def similarity(a, b):
    return next((value for _, _, value in alike_texts([a, b], 1e-9)), 0.0)


def grams(text):
    plain = f" {' '.join(text.casefold().split())} "
    return {plain[i : i + 3] for i in range(len(plain) - 2)}


def test_only_pairs_from_the_limit_on_are_told_in_order():
    texts = ["a round red ball", "a small dog", "a round red  BALL", "a round blue ball"]
    assert [(a, b) for a, b, _ in alike_texts(texts, 1.0)] == [(0, 2)]
    assert [(a, b) for a, b, _ in alike_texts(texts, 0.5)] == [(0, 2), (0, 3), (2, 3)]


def test_texts_without_a_common_letter_have_none_in_common():
    assert similarity("abc", "xyz") == 0


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)


@given(words, words)
def test_is_the_jaccard_index_of_the_sets_of_three_letters(a, b):
    shared, either = grams(a) & grams(b), grams(a) | grams(b)
    assert similarity(a, b) == pytest.approx(len(shared) / len(either))
    assert similarity(a, b) == similarity(b, a)
    assert similarity(a, a) == 1
