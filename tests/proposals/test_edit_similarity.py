"""Words that are spelled nearly alike are found, all of them and no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.proposals.edit_similarity import NearSpellings, count_edits

WORDS = st.text("abc", max_size=9)


def edits_by_table(a: str, b: str) -> int:
    """Levenshtein's table, row by row."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


@given(WORDS, WORDS)
def test_counts_the_fewest_edits(a, b):
    assert count_edits(a, b) == edits_by_table(a, b)


def test_counts_edits_of_words_longer_than_a_machine_word():
    assert count_edits("ab" * 60, "ab" * 60 + "c") == 1
    assert count_edits("x" + "ab" * 60, "ab" * 60) == 1


@given(st.lists(WORDS, max_size=30), WORDS, st.integers(1, 3))
def test_finds_every_word_near_and_no_other(words, word, most):
    near = [(edits_by_table(word, other), other) for other in set(words) if len(other) > most]
    wanted = sorted(pair for pair in near if pair[0] <= most)
    assert NearSpellings(words, most).near(word) == wanted


def test_an_index_for_no_edit_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        NearSpellings(["ab"], 0)
