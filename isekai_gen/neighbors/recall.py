"""Measure the recall of a list of pairs, honestly: with an interval that rather is too wide."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from isekai_gen.intervals import Interval
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.recall_interval import Looks, RowDraw, recall_in_looks, row_draw
from isekai_gen.neighbors.recall_truth import Sides, TruePairs, true_pairs
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray

# Rows compared with all others cost as much as this many rows of an exact search.
_MOST_ROWS = 20_000


@dataclass(frozen=True)
class RecallSample:
    """How a recall is measured.

    Attributes:
        seed: Of the random rows.
        rows: Fewest rows drawn.
        wanted: So many rows are drawn, up to 20,000 and at most as many more, that the interval
            lies above this.
        missed: Share of the pairs that may seem to be missed all the same.
    """

    seed: int
    rows: int = 1000
    wanted: float = 0.99
    missed: float = 0.0


@dataclass(frozen=True, eq=False)
class MeasuredRecall:
    """A recall and the true pairs that it was measured by.

    Attributes:
        interval: The recall.
        truth: True pairs of the rows that were drawn.
        missed: bool [p]: which of them are not listed.
        weight: float64 [p]: what each stands for.
    """

    interval: Interval
    truth: TruePairs
    missed: np.ndarray
    weight: ScoreArray


def measured_recall(
    sides: Sides, pairs: PairList, floor: float, sample: RecallSample, looks: Looks
) -> MeasuredRecall:
    """Which share of the pairs at or above the floor is listed, and what was seen.

    Random rows are compared with everything, exactly; `recall_interval` says how the interval is
    made. If all rows were looked at, its ends meet.

    Args:
        sides: What is compared.
        pairs: What a search listed; all at or above the floor.
        floor: Lowest similarity of a pair.
        sample: Which rows are drawn; `recall_in_looks` says when there are twice as many.
        looks: At the recalls of a search, of which one will be told.
    """
    count = sides.left.shape[0]
    draw = row_draw(pairs, count, within=sides.right is None)
    needed = draw.draws_needed(sample.wanted, sample.missed, looks.next_confidence)
    draws = max(min(needed, _MOST_ROWS), sample.rows)
    if draws >= count:
        return _every_row(sides, pairs, floor)
    rows = np.random.default_rng(sample.seed).choice(count, size=2 * draws, p=draw.chance)
    halves: list[_Seen] = []

    def seen(parts: int) -> tuple[ScoreArray, ScoreArray]:
        while len(halves) < parts:
            some = rows[len(halves) * draws :][:draws]
            halves.append(_seen(sides, pairs, floor, draw, some))
        return _joined(each.true for each in halves), _joined(each.lost for each in halves)

    interval = recall_in_looks(draw, seen, sample.wanted, looks)
    truth = functools.reduce(TruePairs.together_with, (each.truth for each in halves))
    missed = np.concatenate([each.missed for each in halves])
    return MeasuredRecall(interval, truth, missed, _joined(each.weight for each in halves))


@dataclass(frozen=True, eq=False)
class _Seen:
    """What some draws showed.

    Attributes:
        truth: True pairs of the rows drawn.
        missed: bool [p]: which are not listed.
        weight: float64 [p]: what each stands for.
        true: float64 [draws]: mass of the true pairs of each draw.
        lost: float64 [draws]: mass of those that are not listed.
    """

    truth: TruePairs
    missed: np.ndarray
    weight: ScoreArray
    true: ScoreArray
    lost: ScoreArray


def _seen(sides: Sides, pairs: PairList, floor: float, draw: RowDraw, rows: IndexArray) -> _Seen:
    sampled, times = np.unique(rows, return_counts=True)
    truth = true_pairs(sides, sampled, floor)
    missed = ~_listed(truth, pairs, sides)
    mass = draw.pair_mass(truth.row, truth.partner)
    true, lost = (np.repeat(_by_row(truth, each), times) for each in (mass, mass * missed))
    return _Seen(truth, missed, mass * times[truth.position], true, lost)


def _joined(parts: Iterable[ScoreArray]) -> ScoreArray:
    return np.concatenate(list(parts))


def _every_row(sides: Sides, pairs: PairList, floor: float) -> MeasuredRecall:
    """The very recall, where every row is looked at."""
    truth = true_pairs(sides, np.arange(sides.left.shape[0], dtype=np.int64), floor)
    missed = ~_listed(truth, pairs, sides)
    return MeasuredRecall(_census(missed), truth, missed, np.ones(len(missed)))


def _listed(truth: TruePairs, pairs: PairList, sides: Sides) -> np.ndarray:
    """Which true pairs are in the list, bool [p]."""
    width = sides.other.shape[0]
    first, second = truth.row, truth.partner
    if sides.right is None:
        first, second = np.minimum(first, second), np.maximum(first, second)
    if not len(pairs):
        return np.zeros(len(first), dtype=bool)
    keys, wanted = pairs.row_a * width + pairs.row_b, first * width + second
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    listed: np.ndarray = keys[places] == wanted
    return listed


def _by_row(truth: TruePairs, mass: ScoreArray) -> ScoreArray:
    """Sum over the pairs of each sampled row."""
    sums: ScoreArray = np.zeros(len(truth.sampled))
    np.add.at(sums, truth.position, mass)
    return sums


def _census(missed: np.ndarray) -> Interval:
    """The recall where every row was looked at; of no pair at all, none is missed."""
    share = 1.0 - float(missed.mean()) if len(missed) else 1.0
    return Interval(share, share, share)
