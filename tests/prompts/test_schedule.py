from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.prompts.schedule import Schedule
from isekai_gen.prompts.weights import MAX_ROUND, whole_weights

choices = st.lists(st.tuples(st.integers(1, 7), st.integers(1, 12)), min_size=1, max_size=5)
keys = st.binary(min_size=4, max_size=4)


@settings(deadline=None)
@given(choices, keys)
def test_all_turns_together_use_every_choice_to_its_capacity(pairs, key):
    weights, capacities = zip(*pairs, strict=True)
    schedule = Schedule(weights, capacities)
    located = [schedule.locate(turn, key) for turn in range(schedule.total)]
    assert set(located) == {(c, rank) for c, cap in enumerate(capacities) for rank in range(cap)}
    assert len(located) == len(set(located))


@settings(deadline=None)
@given(choices, keys)
def test_ranks_of_a_choice_come_in_order(pairs, key):
    weights, capacities = zip(*pairs, strict=True)
    schedule = Schedule(weights, capacities)
    seen = Counter()
    for turn in range(schedule.total):
        choice, rank = schedule.locate(turn, key)
        assert rank == seen[choice]
        seen[choice] += 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), keys, st.integers(0, 10**30))
def test_a_whole_round_has_every_choice_exactly_by_its_weight(weights, key, number):
    schedule = Schedule(weights, [10**40] * len(weights))
    start = number * sum(weights)
    turns = Counter(schedule.locate(start + i, key)[0] for i in range(sum(weights)))
    assert [turns[choice] for choice in range(len(weights))] == weights


def test_a_first_turn_follows_the_weights_even_where_each_choice_comes_once():
    schedule = Schedule([13, 3, 2, 2], [1, 1, 1, 1])
    first = Counter(schedule.locate(0, b"%d" % key)[0] for key in range(4000))
    # 0.65 +- 4 standard deviations of a share of 4,000
    assert abs(first[0] / 4000 - 0.65) < 0.03


def test_another_key_shuffles_otherwise():
    schedule = Schedule([1] * 20, [1] * 20)
    orders = {tuple(schedule.locate(t, key)[0] for t in range(20)) for key in (b"a", b"b", b"c")}
    assert len(orders) == 3


def test_the_order_is_the_same_on_every_machine_and_version():
    schedule = Schedule([2, 1, 1], [3, 2, 2])
    assert [schedule.locate(turn, b"fixed")[0] for turn in range(7)] == [1, 0, 2, 0, 1, 0, 2]


long_rounds = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 60)), min_size=3, max_size=6)


@settings(deadline=None, max_examples=25)
@given(long_rounds, keys)
def test_long_rounds_too_use_every_choice_to_its_capacity(pairs, key):
    weights, capacities = zip(*pairs, strict=True)
    schedule = Schedule([weight * 7 for weight in weights], capacities)
    located = [schedule.locate(turn, key) for turn in range(schedule.total)]
    assert sorted(located) == [(c, rank) for c, cap in enumerate(capacities) for rank in range(cap)]


@settings(deadline=None, max_examples=25)
@given(long_rounds, keys, st.integers(0, 10**20))
def test_a_long_round_has_every_choice_exactly_by_its_weight(pairs, key, number):
    weights = [weight * 7 for weight, _ in pairs]
    schedule = Schedule(weights, [10**30] * len(weights))
    start = number * sum(weights)
    turns = Counter(schedule.locate(start + i, key)[0] for i in range(sum(weights)))
    assert [turns[choice] for choice in range(len(weights))] == weights


@settings(deadline=None)
@given(st.one_of(choices, long_rounds), keys, st.randoms())
def test_turns_located_together_are_those_located_alone(pairs, key, random):
    weights, capacities = zip(*pairs, strict=True)
    turns = [random.randrange(sum(capacities)) for _ in range(20)]
    together = Schedule(weights, capacities).locate_all(enumerate(turns), key)
    alone = [Schedule(weights, capacities).locate(turn, key) for turn in turns]
    by_tag = {tag: (choice, rank) for choice, got in together.items() for tag, rank in got}
    assert [by_tag[tag] for tag in range(len(turns))] == alone


@pytest.mark.parametrize("turn", [-1, 3])
def test_a_turn_outside_is_a_wrong_call(turn):
    with pytest.raises(ValueError, match="turn must be in"):
        Schedule([1], [3]).locate(turn, b"")


@pytest.mark.parametrize(
    ("weights", "capacities"),
    [([], []), ([1], [1, 2]), ([0, 1], [1, 1]), ([1, 1], [0, 1]), ([MAX_ROUND, 1], [1, 1])],
)
def test_wrong_weights_are_a_wrong_call(weights, capacities):
    with pytest.raises(ValueError):
        Schedule(weights, capacities)


def test_whole_weights_are_the_smallest_in_the_same_proportions():
    assert whole_weights([Fraction("0.5"), Fraction(1), Fraction("2.25")]) == (2, 4, 9)
    assert whole_weights([Fraction(4), Fraction(6)]) == (2, 3)
