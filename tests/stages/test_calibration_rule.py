"""Limits keep the budget they are set for, and say what they rest on."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from isekai_gen.stages.calibration_rule import (
    NO_NEAR_MISS,
    Demand,
    Measured,
    allowed_hits,
    anchors_needed,
    choose_limits,
    upper_bounds,
)

GRID = 1e-4


def demand(rate=0.001, grid=GRID, default=0.95, lowest=0.5):
    return Demand(rate, 0.95, grid, default, lowest)


def measured(near_misses, copies=(0.99,)):
    return Measured(np.asarray(copies, dtype=float), np.asarray(near_misses, dtype=float))


similarities = st.lists(st.floats(-1, 1).map(lambda x: float(np.float32(x))), min_size=1)


@given(near=similarities, copies=similarities, rate=st.sampled_from([0.001, 0.05, 0.3]))
@settings(max_examples=200, deadline=None)
def test_counted_limits_keep_the_budget_and_are_the_lowest_that_do(near, copies, rate):
    asked = demand(rate)
    chosen = choose_limits(measured(near * 40, copies), asked)
    near = np.array(near * 40)
    assert asked.lowest <= chosen.review <= chosen.limit <= 1.0
    if chosen.basis == "counted":

        def bound(limit):
            return upper_bounds(np.array([(near > limit).sum()]), len(near), 0.95)[0]

        assert bound(chosen.limit) <= rate
        if chosen.limit > asked.lowest:
            assert bound(chosen.limit - 2 * GRID) > rate


@given(near=similarities, copies=similarities)
@settings(max_examples=100, deadline=None)
def test_a_larger_budget_never_raises_a_limit(near, copies):
    found = [
        choose_limits(measured(near * 60, copies), demand(rate)).limit
        for rate in (0.0005, 0.001, 0.01, 0.1, 0.4)
    ]
    assert all(one >= other - 1e-12 for one, other in itertools.pairwise(found))


@given(near=similarities, copies=similarities, more=st.floats(0, 0.5))
@settings(max_examples=100, deadline=None)
def test_more_alike_near_misses_never_lower_a_limit(near, copies, more):
    low = np.array(near * 60)
    high = np.minimum(1.0, low + more)
    limits = [choose_limits(measured(each, copies), demand(0.01)).limit for each in (low, high)]
    assert limits[0] <= limits[1] + 1e-12


@given(near=similarities)
@settings(max_examples=100, deadline=None)
def test_a_limit_that_is_not_proved_lies_above_every_near_miss_seen(near):
    chosen = choose_limits(measured(near), demand(1e-6))
    assert chosen.basis in ("extrapolated", "default")
    assert not (np.array(near) > chosen.limit).any()


# Nearest neighbors at intrinsic dimension 8, a bounded bell, and a normal tail.
SHAPES = {
    "dimension 8": (
        lambda random, n: 1 - 0.3 * random.exponential(size=n) ** 0.25,
        lambda limit: 1 - np.exp(-(((1 - limit) / 0.3) ** 4)),
    ),
    "beta": (lambda random, n: random.beta(20, 5, n), lambda limit: stats.beta.sf(limit, 20, 5)),
    "normal": (
        lambda random, n: np.minimum(1.0, random.normal(0.7, 0.05, n)),
        lambda limit: stats.norm.sf(limit, 0.7, 0.05),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("anchors", "basis"), [(200, "extrapolated"), (4000, "counted")])
def test_the_true_rate_keeps_the_budget_in_nearly_all_samples(shape, anchors, basis):
    draw, true_rate = SHAPES[shape]
    random = np.random.default_rng(5)
    kept = 0
    for _ in range(200):
        chosen = choose_limits(measured(draw(random, anchors)), demand())
        assert chosen.basis == basis
        kept += true_rate(chosen.limit) <= 0.001
    assert kept >= 182  # 190 expected at 95 %; 3 standard deviations below


def test_people_look_from_where_99_percent_of_the_copies_are_reached():
    copies = np.linspace(0.80, 0.99, 1000)
    near = [0.9] * 2 + [0.5] * 4998  # one hit in 5,000 keeps the budget, two do not
    chosen = choose_limits(measured(near, copies), demand())
    assert chosen.limit == pytest.approx(0.9)
    assert (copies > chosen.review).mean() >= 0.99
    assert (copies > chosen.review + 2 * GRID).mean() < 0.99


def test_people_are_not_asked_about_more_than_ten_times_the_budget():
    near = np.linspace(0.5, 0.9, 10_000)
    chosen = choose_limits(measured(near, np.full(100, 0.4)), demand())
    assert (near > chosen.review).mean() <= 10 * 0.001
    assert chosen.review < chosen.limit


def test_without_a_tail_the_limit_is_the_default():
    near = [0.7, *[NO_NEAR_MISS] * 299]
    chosen = choose_limits(measured(near), demand(grid=1 / 64, default=0.75))
    assert (chosen.limit, chosen.basis) == (0.75, "default")
    near[0] = 0.875
    assert choose_limits(measured(near), demand(grid=1 / 64, default=0.75)).limit == 0.875


def test_enough_anchors_without_any_near_miss_give_the_lowest_limit():
    chosen = choose_limits(measured([NO_NEAR_MISS] * 3000), demand(lowest=0.6))
    assert (chosen.limit, chosen.basis) == (0.6, "counted")


def test_bounds_are_those_of_clopper_and_pearson():
    hits = np.array([0, 1, 7, 99, 100])
    expected = [stats.binomtest(int(h), 100).proportion_ci(0.90, "exact").high for h in hits]
    assert upper_bounds(hits, 100, 0.95) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [0.1, 0.001, 0.0005])
def test_the_number_of_images_needed_is_enough_and_not_one_too_many(rate):
    needed = anchors_needed(rate, 0.95)
    assert allowed_hits(needed, rate, 0.95) == 0
    assert allowed_hits(needed - 1, rate, 0.95) == -1


def test_nothing_follows_from_nothing():
    with pytest.raises(ValueError, match="at least one anchor"):
        choose_limits(measured([]), demand())
