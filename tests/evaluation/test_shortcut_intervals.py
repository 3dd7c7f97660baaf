"""Intervals over source images."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.evaluation.shortcut_intervals import less, mean_interval, paired_difference
from isekai_gen.intervals import wilson_interval

SHARES = st.floats(0, 1, allow_nan=False)
PAIRS = st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=20)


def keyed(values):
    return {f"image {number}": value for number, value in enumerate(values)}


def test_without_repeated_questions_a_mean_is_a_plain_wilson_interval():
    assert mean_interval([1.0, 1.0, 0.0, 1.0]) == wilson_interval(3, 4)


def test_answers_that_differ_within_an_image_count_in_part():
    found = mean_interval([0.5, 1.0])
    assert found.estimate == 0.75
    assert found.low < 0.75 < found.high


def test_no_image_has_no_mean():
    with pytest.raises(ValueError, match="no source image"):
        mean_interval([])


def test_chance_is_taken_off_all_three_numbers():
    found = less(wilson_interval(8, 10), 0.5)
    assert found.estimate == pytest.approx(0.3)
    assert found.low == pytest.approx(wilson_interval(8, 10).low - 0.5)
    assert found.high == pytest.approx(wilson_interval(8, 10).high - 0.5)


def test_a_paired_difference_squares_and_adds_the_two_intervals():
    """36 pairs right in both, 12 and 2 in one of them, none in neither."""
    pairs = [(1.0, 1.0)] * 36 + [(1.0, 0.0)] * 12 + [(0.0, 1.0)] * 2
    found = paired_difference(keyed(one for one, _ in pairs), keyed(two for _, two in pairs))
    assert found is not None
    assert found.estimate == pytest.approx(0.2)
    first, second = wilson_interval(48, 50), wilson_interval(38, 50)
    phi = (36 * 0 - 12 * 2) / math.sqrt(48 * 2 * 38 * 12)
    below, above = first.estimate - first.low, second.high - second.estimate
    expected = 0.2 - math.sqrt(below**2 - 2 * phi * below * above + above**2)
    assert found.low == pytest.approx(expected)
    assert found.high < 1


def test_pairs_that_go_together_are_known_better_than_those_that_do_not():
    together = paired_difference(keyed([1, 1, 0, 0]), keyed([1, 1, 0, 0]))
    against = paired_difference(keyed([1, 1, 0, 0]), keyed([0, 0, 1, 1]))
    assert together is not None
    assert against is not None
    assert together.high - together.low < against.high - against.low
    assert together.low < 0 < together.high, "four pairs are no proof"


def test_only_images_with_both_kinds_are_compared():
    found = paired_difference({"a": 1.0, "b": 0.0}, {"a": 1.0, "c": 0.0})
    assert found is not None
    assert found.estimate == 0
    assert paired_difference({"a": 1.0}, {"b": 1.0}) is None


@given(PAIRS)
def test_a_difference_lies_within_its_interval_and_turns_with_its_sides(pairs):
    one, two = keyed(each[0] for each in pairs), keyed(each[1] for each in pairs)
    found, turned = paired_difference(one, two), paired_difference(two, one)
    assert found is not None
    assert turned is not None
    assert -1 <= found.low <= found.estimate + 1e-12
    assert found.estimate - 1e-12 <= found.high <= 1
    assert turned.low == pytest.approx(-found.high)
    assert turned.high == pytest.approx(-found.low)
