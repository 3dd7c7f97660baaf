"""Random numbers of an episode are even, and the same everywhere."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from isekai_gen.manifests import episode_draws
from isekai_gen.manifests.episode_draws import EpisodeDraws


def test_a_seed_and_a_key_always_give_the_same_numbers():
    def numbers(seed, key):
        draws = EpisodeDraws(seed, key)
        return [draws.below(1000) for _ in range(6)]

    assert numbers(7, "3 query") == [680, 403, 776, 344, 30, 289]
    assert numbers(8, "3 query") != numbers(7, "3 query") != numbers(7, "4 query")


def test_a_key_cannot_be_taken_for_the_seed():
    assert EpisodeDraws(1, "2 3").below(2**64) != EpisodeDraws(12, "3").below(2**64)


def test_numbers_are_even():
    draws = EpisodeDraws(0, "even")
    counts = Counter(draws.below(7) for _ in range(14_000))
    assert chisquare([counts[n] for n in range(7)]).pvalue > 0.001


def test_words_that_would_favor_low_numbers_are_rejected(monkeypatch):
    words = iter([2**64 - 1, 2**64 - 2**63, 5])
    monkeypatch.setattr(episode_draws.EpisodeDraws, "_word", lambda self: next(words))
    # 2**63 + 1 fits once into 2**64: words from 2**63 + 1 upwards are drawn again.
    assert EpisodeDraws(0, "").below(2**63 + 1) == 2**63
    assert EpisodeDraws(0, "").below(2**63 + 1) == 5


@pytest.mark.parametrize("bound", [0, -1, 2**64 + 1])
def test_a_range_that_words_cannot_cover_is_refused(bound):
    with pytest.raises(ValueError, match="bound"):
        EpisodeDraws(0, "").below(bound)


def test_weights_are_proportions_and_zero_is_never():
    draws = EpisodeDraws(3, "weights")
    counts = Counter(draws.weighted([3, 0, 1, 6]) for _ in range(10_000))
    assert counts[1] == 0
    assert chisquare([counts[0], counts[2], counts[3]], [3000, 1000, 6000]).pvalue > 0.001


@given(st.integers(0, 30), st.sets(st.integers(0, 29)), st.integers(0, 5), st.data())
def test_a_sample_repeats_nothing_and_spares_what_is_barred(size, barred, seed, data):
    values = range(size)
    allowed = [value for value in values if value not in barred]
    count = data.draw(st.integers(0, len(allowed)))
    drawn = EpisodeDraws(seed, "sample").sample(values, count, barred)
    assert len(drawn) == count == len(set(drawn))
    assert set(drawn) <= set(allowed)
    longest = EpisodeDraws(seed, "sample").sample(values, len(allowed), barred)
    assert sorted(longest) == allowed
    assert longest[:count] == drawn


def test_every_order_is_as_likely_as_the_others():
    orders = Counter(
        tuple(EpisodeDraws(0, f"order {n}").sample("abcd", 3, "d")) for n in range(6_000)
    )
    assert len(orders) == 6
    assert chisquare(list(orders.values())).pvalue > 0.001


def test_more_than_there_is_is_refused():
    with pytest.raises(ValueError, match="bound"):
        EpisodeDraws(0, "").sample("abc", 3, "c")
