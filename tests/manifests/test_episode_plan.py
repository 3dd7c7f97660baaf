"""Strategies as numbers, and combinations that make no sense."""

import math

import pytest

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.episode_plan import EpisodePlan


def test_weights_of_shots_are_those_of_the_paper():
    weights = EpisodePlan("2-way-weight", 1).shot_weights
    expected = [math.exp(k) / sum(math.exp(m) for m in range(2, 17)) for k in range(2, 17)]
    assert [w / sum(weights) for w in weights] == pytest.approx(expected, rel=1e-9)
    assert EpisodePlan("2-way-random", 1).shot_weights == (1,) * 15


def test_epochs_share_the_episodes():
    plan = EpisodePlan("2-way-random", 100, fixed_epochs=2, varied_epochs=3)
    assert [plan.has_fixed_shots(n) for n in (0, 39, 40, 99)] == [True, True, False, False]
    assert fixed_in(EpisodePlan("2-way-random", 1100)) == 100  # 1 epoch and the paper's 10


@pytest.mark.parametrize(
    ("episodes", "fixed", "varied", "expected"),
    [(12, 10, 1, 11), (12, 1, 10, 2), (11, 1, 10, 1), (7, 0, 3, 0), (7, 2, 0, 7)],
)
def test_epochs_that_do_not_divide_the_episodes_have_their_share(episodes, fixed, varied, expected):
    plan = EpisodePlan("2-way-weight", episodes, fixed_epochs=fixed, varied_epochs=varied)
    assert fixed_in(plan) == expected


def test_without_varied_epochs_every_support_set_is_of_full_size():
    plan = EpisodePlan("2-way-random", 5, shots=4, varied_epochs=0, flip_position=8)
    assert plan.least_shots == 4


def fixed_in(plan: EpisodePlan) -> int:
    return sum(plan.has_fixed_shots(number) for number in range(plan.episodes))


def test_the_same_plan_comes_back_from_its_json():
    for plan in (
        EpisodePlan("2-way-weight", 9, 3, 4, 5, "all", varied_epochs=2, false_labels=0.25),
        EpisodePlan("mix", 7, shots=1, flip_position=2),
    ):
        again = EpisodePlan(**plan.to_json())
        assert again.to_json() == plan.to_json()
        assert fixed_in(again) == fixed_in(plan)


@pytest.mark.parametrize(
    ("rate", "support", "count"),
    [(0, 32, 0), (1, 32, 32), (0.25, 32, 8), (0.5, 5, 3), (0.1, 4, 0), (0.145, 100, 15)],
)
def test_shares_are_rounded_with_halves_up(rate, support, count):
    assert EpisodePlan("2-way", 1, false_labels=rate).false_count(support) == count


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"strategy": "3-way"}, "choose one of 2-way"),
        ({"relabel": "both"}, "choose one of positive"),
        ({"episodes": 0}, "episodes must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"ways": 1}, "ways must be at least 2"),
        ({"shots": -1}, "shots must be at least 0"),
        ({"strategy": "2-way-random", "shots": 1}, "raise --shots from 1"),
        ({"fixed_epochs": 1}, "has no epochs"),
        ({"strategy": "mix", "varied_epochs": 0}, "has no epochs"),
        ({"strategy": "2-way-weight", "fixed_epochs": 0, "varied_epochs": 0}, "1 together"),
        ({"strategy": "2-way-weight", "fixed_epochs": -1}, "at least 0"),
        ({"false_labels": 1.5}, r"in \[0, 1\]"),
        ({"false_labels": 0.5, "flip_position": 1}, "choose one of"),
        ({"false_labels": 0.5, "shots": 0}, "zero shots"),
        ({"flip_position": 33}, "the smallest has 32 images"),
        ({"flip_position": 5, "strategy": "2-way-random"}, "the smallest has 4 images"),
        ({"flip_position": 1, "shots": 0}, "the smallest has 0 images"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(fields, said):
    with pytest.raises(ManifestError, match=said) as caught:
        EpisodePlan(**{"strategy": "2-way", "episodes": 10, **fields})
    assert "\n" not in str(caught.value)
