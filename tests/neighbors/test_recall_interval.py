import numpy as np
import pytest

from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.recall_interval import Looks, recall_in_looks, recall_interval, row_draw

WORLDS = 400
LONG = 2000


def pair_list(row_a, row_b):
    order = np.lexsort((row_b, row_a))
    ones = np.ones(len(order), dtype=np.float32)
    return PairList(row_a[order], row_b[order], ones)


def small_groups(draw, count, recall, whole=False):
    """Pairs of groups of 2-6 rows among many single rows; each pair or group is missed or not."""
    row_a, row_b, missed = [], [], []
    order, start = draw.permutation(count), 0
    while start < 0.06 * count:
        group = np.sort(order[start : start + draw.integers(2, 7)])
        start += len(group)
        a, b = np.triu_indices(len(group), 1)
        row_a.append(group[a])
        row_b.append(group[b])
        missed.append(draw.random(1 if whole else len(a)).repeat(len(a) if whole else 1) > recall)
    return np.concatenate(row_a), np.concatenate(row_b), np.concatenate(missed)


def whole_groups(draw, count, recall):
    return small_groups(draw, count, recall, whole=True)


def uneven(draw, count, recall):
    """Few rows are in most pairs; pairs of rare rows are missed more often."""
    share = np.exp(2.0 * draw.normal(size=count))
    share /= share.sum()
    ends = np.sort(draw.choice(count, size=(2 * count, 2), p=share), axis=1)
    row_a, row_b = np.unique(ends[ends[:, 0] < ends[:, 1]], axis=0).T
    rarity = np.argsort(np.argsort(-np.minimum(share[row_a], share[row_b]))) / len(row_a)
    return row_a, row_b, draw.random(len(row_a)) < 2.0 * (1.0 - recall) * rarity


def torn_group(draw, count, recall):
    """One dense group beside small ones; a search sees no pair between its two parts."""
    row_a, row_b, missed = small_groups(draw, count, recall)
    group = np.sort(draw.permutation(count)[: count // 100])
    part = draw.random(len(group)) < recall
    a, b = np.triu_indices(len(group), 1)
    keys = np.concatenate([row_a * count + row_b, group[a] * count + group[b]])
    keys, first = np.unique(keys, return_index=True)
    return keys // count, keys % count, np.concatenate([missed, part[a] != part[b]])[first]


def few(draw, count, recall):
    row = np.arange(0, 40, 2)
    return row, row + 1, draw.random(20) > recall


def mass_by_row(draw, row_a, row_b, count):
    mass = draw.pair_mass(row_a, row_b)
    return np.bincount(row_a, mass, count) + np.bincount(row_b, mass, count)


@pytest.mark.parametrize("recall", [0.6, 0.95, 0.99])
@pytest.mark.parametrize("world", [small_groups, whole_groups, uneven, torn_group, few])
def test_the_interval_holds_the_truth(world, recall):
    random, count = np.random.default_rng(7), 8000
    outside = 0
    for trial in range(WORLDS):
        if trial % 20 == 0:
            row_a, row_b, missed = world(random, count, recall)
            draw = row_draw(pair_list(row_a[~missed], row_b[~missed]), count, within=True)
            true = mass_by_row(draw, row_a, row_b, count)
            lost = mass_by_row(draw, row_a[missed], row_b[missed], count)
        drawn = random.choice(count, size=1000, p=draw.chance)
        interval = recall_interval(draw, true[drawn], lost[drawn], 0.95)
        outside += not interval.low <= 1.0 - missed.mean() <= interval.high
    # 5 % may lie outside; over 8.5 % of 400 would be a chance of 1 in 1,000.
    assert outside <= 34


def test_without_any_miss_seen_the_interval_still_leaves_room_for_some():
    row = np.arange(0, 200, 2)
    draw = row_draw(pair_list(row, row + 1), 2000, within=True)
    true = mass_by_row(draw, row, row + 1, 2000)[:1000]
    interval = recall_interval(draw, true, np.zeros(1000), 0.95)
    assert interval.estimate == interval.high == 1.0
    assert 0.8 < interval.low < 0.98


def test_more_confidence_makes_the_interval_wider():
    row = np.arange(0, 2000, 2)
    draw = row_draw(pair_list(row[50:], row[50:] + 1), 2000, within=True)
    true, lost = (mass_by_row(draw, r, r + 1, 2000) for r in (row, row[:50]))
    narrow, wide = (recall_interval(draw, true, lost, confidence) for confidence in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


@pytest.mark.parametrize("missed", [0.0, 0.004])
def test_the_draws_needed_lift_the_interval_above_the_recall_wanted(missed):
    row = np.arange(0, 200, 2)
    draw = row_draw(pair_list(row, row + 1), 2000, within=True)
    needed = draw.draws_needed(0.98, missed, 0.95)
    events = round(needed * 100 * missed / (1.0 - missed) / draw.typical_mass)
    lost = np.where(np.arange(needed) < events, draw.typical_mass, 0.0)
    interval = recall_interval(draw, np.zeros(needed), lost, 0.95)
    assert events == pytest.approx(2.0 if missed else 0.0, abs=1)
    assert interval.low == pytest.approx(0.98, abs=0.003)


def test_all_looks_together_are_as_sure_as_asked():
    looks = Looks(0.9)
    doubt = [1.0 - looks.take() for _ in range(30)]
    assert doubt[0] == pytest.approx(0.09)
    assert sum(doubt) == pytest.approx(0.1)
    assert np.all(np.diff(doubt) < 0)


def looking(true, lost, drawn):
    """The masses of the first half of some draws, or of all."""

    def seen(parts):
        rows = drawn[: len(drawn) * parts // 2]
        return true[rows], lost[rows]

    return seen


@pytest.mark.parametrize("world", [small_groups, uneven, torn_group])
def test_the_interval_holds_the_truth_whenever_looking_ends(world):
    random, count, wanted = np.random.default_rng(11), 8000, 0.95
    outside, looked = 0, 0
    for _ in range(LONG // 20):
        row_a, row_b, missed = world(random, count, 0.98)
        draw = row_draw(pair_list(row_a[~missed], row_b[~missed]), count, within=True)
        true = mass_by_row(draw, row_a, row_b, count)
        lost = mass_by_row(draw, row_a[missed], row_b[missed], count)
        needed = draw.draws_needed(wanted, 0.2 * (1.0 - wanted), Looks().next_confidence)
        for drawn in random.choice(count, size=(20, 2 * needed), p=draw.chance):
            looks = Looks()
            seen = looking(true, lost, drawn)
            interval = recall_in_looks(draw, seen, wanted, looks)
            outside += not interval.low <= 1.0 - missed.mean() <= interval.high
            looked += looks.taken
    assert LONG < looked < 2 * LONG
    # 5 % may lie outside; over 6.6 % of 2,000 would be a chance of 1 in 1,000.
    assert outside <= 132


def test_twice_the_draws_are_looked_at_only_where_they_may_decide():
    row = np.arange(0, 2000, 2)
    draw = row_draw(pair_list(row, row + 1), 20000, within=True)
    needed = draw.draws_needed(0.98, 0.0, Looks().next_confidence)
    every, true, taken = np.arange(2 * needed), np.zeros(2 * needed), []
    for events in (0, 1, 30):
        lost = np.where(every % needed < events, 0.3 * draw.typical_mass, 0.0)
        looks = Looks()
        interval = recall_in_looks(draw, looking(true, lost, every), 0.98, looks)
        taken.append((looks.taken, interval.low >= 0.98))
    assert taken == [(1, True), (2, True), (1, False)]


def test_a_list_without_pairs_says_nothing_unless_a_miss_is_seen():
    nothing = np.zeros(0, dtype=np.int64)
    draw = row_draw(pair_list(nothing, nothing), 100, within=True)
    unseen = recall_interval(draw, np.zeros(10), np.zeros(10), 0.95)
    assert (unseen.low, unseen.high) == (0.0, 1.0)
    seen = recall_interval(draw, np.ones(10), np.ones(10), 0.95)
    assert (seen.low, seen.high) == (0.0, 0.0)


def test_the_mass_of_a_pair_does_not_hang_on_the_row_it_is_met_from():
    row_a, row_b = np.array([0, 0, 0, 1]), np.array([1, 2, 3, 2])
    draw = row_draw(pair_list(row_a, row_b), 10, within=True)
    assert draw.chance.sum() == pytest.approx(1.0)
    assert draw.chance[0] > draw.chance[1] > draw.chance[9]
    assert np.array_equal(draw.pair_mass(row_a, row_b), draw.pair_mass(row_b, row_a))
