import numpy as np
import pytest

from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.recall import RecallSample, measured_recall
from isekai_gen.neighbors.recall_interval import Looks
from isekai_gen.neighbors.recall_truth import Sides
from isekai_gen.neighbors.search import SearchOptions, search_pairs
from isekai_gen.neighbors.vectors import ArrayVectors
from tests.neighbors.approximate_rows import FLOOR, exact, rows


def measure_recall(vectors, pairs, floor, *, seed, rows=1000, against=None):
    sample = RecallSample(seed=seed, rows=rows)
    return measured_recall(Sides(vectors, against), pairs, floor, sample, Looks(0.95)).interval


def without(pairs, drop):
    return PairList(pairs.row_a[~drop], pairs.row_b[~drop], pairs.similarity[~drop])


@pytest.mark.parametrize("theme_rows", [60, 2000])
@pytest.mark.parametrize("missing", [0.0, 0.02, 0.3])
def test_holds_the_share_that_was_left_in_the_list(theme_rows, missing):
    pairs = exact(6000, theme_rows)
    drop = np.random.default_rng(3).random(len(pairs)) < missing
    interval = measure_recall(
        ArrayVectors(rows(6000, theme_rows)), without(pairs, drop), FLOOR, seed=5
    )
    assert interval.low <= 1.0 - drop.mean() <= interval.high
    assert interval.high - interval.low < 0.15


def test_between_two_matrices_the_rows_of_the_first_are_drawn():
    left, right = ArrayVectors(rows(4000, 60)[:2500]), ArrayVectors(rows(4000, 60)[2500:])
    pairs, _ = search_pairs(left, SearchOptions(floor=FLOOR), against=right)
    drop = np.random.default_rng(3).random(len(pairs)) < 0.2
    interval = measure_recall(left, without(pairs, drop), FLOOR, seed=5, against=right)
    assert interval.low <= 1.0 - drop.mean() <= interval.high
    assert interval.high < 1.0


def test_drawing_every_row_gives_the_very_share():
    pairs = exact(800, 60)
    drop = np.arange(len(pairs)) % 4 == 0
    interval = measure_recall(
        ArrayVectors(rows(800, 60)), without(pairs, drop), FLOOR, seed=5, rows=800
    )
    assert interval.low == interval.high == pytest.approx(1.0 - drop.mean())


def test_where_there_is_no_pair_none_is_missed():
    apart = ArrayVectors(np.eye(20, dtype=np.float32))
    pairs, _ = search_pairs(apart, SearchOptions(floor=FLOOR))
    assert measure_recall(apart, pairs, FLOOR, seed=5).low == 1.0


def test_one_seed_draws_the_same_rows():
    vectors, pairs = ArrayVectors(rows(6000, 60)), exact(6000, 60)
    some = without(pairs, np.arange(len(pairs)) % 9 == 0)
    first, again, other = (measure_recall(vectors, some, FLOOR, seed=s) for s in (1, 1, 2))
    assert first == again != other
