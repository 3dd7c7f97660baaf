"""Estimates from a stratified sample: weighted, and with intervals that hold the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.stages.audit_estimate import AnsweredStratum, recall_of, weighted_share

strata = st.lists(
    st.builds(
        lambda yes, no, more: AnsweredStratum(yes + no + more, yes, no),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 500),
    ),
    min_size=1,
    max_size=6,
)


@given(strata=strata)
@settings(deadline=None)  # the first example loads scipy
def test_intervals_are_in_order_within_0_and_1(strata):
    for interval in (weighted_share(strata), recall_of(strata, strata), recall_of([], strata)):
        assert 0.0 <= interval.low <= interval.estimate <= interval.high <= 1.0


def test_a_large_stratum_weighs_more_than_a_well_asked_one():
    share = weighted_share([AnsweredStratum(900, 0, 10), AnsweredStratum(100, 50, 0)])
    assert share.estimate == pytest.approx(0.1)
    assert share.low < 0.1 < share.high


def test_a_stratum_without_answers_leaves_its_whole_weight_open():
    share = weighted_share([AnsweredStratum(500, 200, 0), AnsweredStratum(500, 0, 0)])
    assert share.low < 0.5 + 1e-9
    assert share.high == pytest.approx(1.0, abs=1e-9)


def test_recall_is_right_drops_by_what_should_be_dropped():
    # 90 right drops; 5 % of 200 kept pairs, which is 10, are missed.
    recall = recall_of([AnsweredStratum(100, 90, 10)], [AnsweredStratum(200, 5, 95)])
    assert recall.estimate == pytest.approx(0.9)


def test_without_anything_to_find_nothing_is_missed():
    assert recall_of([], []).estimate == 1.0


SIZES = (1000, 300, 60)
TRUTH = (0.98, 0.8, 0.4)
MISSED_SIZES = (500, 2000)
MISSED_TRUTH = (0.3, 0.02)


def sample(random, sizes, truth, asked):
    """Simple random samples of finite strata."""
    found = []
    for size, share in zip(sizes, truth, strict=True):
        population = np.arange(size) < round(share * size)
        yes = int(random.choice(population, min(asked, size), replace=False).sum())
        found.append(AnsweredStratum(size, yes, min(asked, size) - yes))
    return found


@pytest.mark.parametrize("asked", [10, 40])
def test_the_intervals_hold_the_truth_and_the_estimates_are_unbiased(asked):
    random = np.random.default_rng(11)
    right = sum(round(size * share) for size, share in zip(SIZES, TRUTH, strict=True))
    missed = sum(round(s * share) for s, share in zip(MISSED_SIZES, MISSED_TRUTH, strict=True))
    precision, recall = right / sum(SIZES), right / (right + missed)
    estimates, held_precision, held_recall = [], 0, 0
    for _ in range(1000):
        dropped = sample(random, SIZES, TRUTH, asked)
        kept = sample(random, MISSED_SIZES, MISSED_TRUTH, asked)
        share, found = weighted_share(dropped), recall_of(dropped, kept)
        estimates.append(share.estimate)
        held_precision += share.low <= precision <= share.high
        held_recall += found.low <= recall <= found.high
    assert np.mean(estimates) == pytest.approx(precision, abs=0.004)
    assert held_precision >= 950
    assert held_recall >= 950
