"""Accuracies, their intervals, and what is said beside the paper's claim."""

from __future__ import annotations

import pytest

from isekai_gen.stages.probe_claim import compare_with_claim
from isekai_gen.stages.probe_numbers import (
    WAYS,
    ZERO_SHOT,
    RunResult,
    difference,
    mean_interval,
    measured_of,
)

COLUMNS_THERE = ("held_out", "foreign_context")


def hits(right: int, images: int) -> str:
    return "1" * right + "0" * (images - right)


def runs(right: dict[str, list[tuple[int, int]]]) -> list[RunResult]:
    """Way to (held out, foreign context) of each seed."""
    return [
        RunResult(
            way, seed, {"held_out": hits(held, 100), "foreign_context": hits(foreign, 50)}, 1.0
        )
        for way, seeds in right.items()
        for seed, (held, foreign) in enumerate(seeds)
    ]


def measured(plain, clean, counterfactual):
    ways = dict(zip(WAYS, (plain, clean, counterfactual), strict=True))
    return measured_of(runs({ZERO_SHOT: [(80, 40)], **ways}))


def test_the_interval_over_seeds_is_students():
    found = mean_interval([1.0, 2.0, 3.0])
    # 4.3027 is the 97.5 % point of t with 2 degrees of freedom; the deviation is 1.
    assert found.estimate == 2.0
    assert found.high - 2.0 == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert found.low == pytest.approx(4.0 - found.high)
    assert mean_interval([1.0]) is None


def test_each_way_has_a_row_for_each_column_there_is():
    found = measured([(90, 10)] * 3, [(90, 10)] * 3, [(90, 10)] * 3)
    assert [(each.way, each.column) for each in found] == [
        (way, column) for way in (ZERO_SHOT, *WAYS) for column in COLUMNS_THERE
    ]
    zero = found[0]
    assert (zero.accuracy, zero.over_seeds()) == (0.8, None)
    assert zero.over_images().low < 0.8 < zero.over_images().high


def test_accuracy_is_the_mean_over_seeds_and_its_interval_stays_in_0_to_1():
    found = measured([(100, 10), (98, 20), (99, 30)], [(0, 0)] * 3, [(0, 0)] * 3)
    plain = next(each for each in found if each.way == "plain" and each.column == "held_out")
    assert plain.accuracy == pytest.approx(0.99)
    assert plain.over_seeds().high == 1.0
    assert plain.half_over_seeds() == pytest.approx(4.302653 * 0.01 / 3**0.5, rel=1e-6)


def test_differences_are_paired_by_seed_and_by_image():
    # Seeds differ by far more than the two ways do.
    found = measured([(50, 10), (70, 20), (90, 30)], [(0, 0)] * 3, [(58, 10), (78, 20), (98, 30)])
    gained = difference(found, "distill-counterfactual", "plain", "held_out")
    assert gained.mean == pytest.approx(0.08)
    assert gained.over_seeds == pytest.approx((0.08, 0.08))
    # 24 of 100 pictures were gained with one of three seeds.
    deviation = (24 * (1 / 3 - 0.08) ** 2 + 76 * 0.08**2) / 99
    assert gained.over_images[1] - 0.08 == pytest.approx(1.984217 * (deviation / 100) ** 0.5)
    assert gained.direction == "higher"


def test_seeds_that_agree_on_one_picture_show_no_difference():
    found = measured([(50, 10)] * 3, [(0, 0)] * 3, [(51, 10)] * 3)
    gained = difference(found, "distill-counterfactual", "plain", "held_out")
    assert gained.over_seeds == pytest.approx((0.01, 0.01))
    assert gained.over_images[0] < 0 < gained.over_images[1]
    assert gained.direction == "no difference shown"


def outcomes(plain, counterfactual):
    rows = compare_with_claim(measured(plain, plain, counterfactual))
    return {(row.difference.column, row.difference.than): row.outcome for row in rows}


def test_the_outcome_is_told_whichever_way_it_went():
    plain = [(90, 20), (91, 21), (92, 22)]
    better = outcomes(plain, [(90, 30), (91, 31), (92, 33)])
    assert better["foreign_context", "plain"] == "as claimed"
    assert better["held_out", "plain"] == "no loss shown"
    worse = outcomes(plain, [(80, 10), (81, 11), (82, 13)])
    assert worse["foreign_context", "plain"] == "against the claim"
    assert worse["held_out", "plain"] == "against the claim"
    mixed = outcomes(plain, [(90, 10), (91, 21), (92, 32)])
    assert mixed["foreign_context", "plain"] == "not shown"
    assert mixed["foreign_context", "distill-clean"] == "no difference shown"


def test_one_seed_shows_no_difference():
    rows = compare_with_claim(measured([(10, 0)], [(10, 0)], [(90, 50)]))
    assert {row.outcome for row in rows} <= {"not shown", "no loss shown", "no difference shown"}


def test_columns_that_are_missing_are_not_compared():
    found = measured([(90, 10)] * 3, [(90, 10)] * 3, [(90, 10)] * 3)
    assert {row.difference.column for row in compare_with_claim(found)} == set(COLUMNS_THERE)
