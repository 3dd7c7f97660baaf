"""Measure the recall of a list of pairs, honestly: with an interval that rather is too wide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isekai_gen.intervals import Interval
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.recall_interval import recall_interval, row_draw
from isekai_gen.neighbors.recall_truth import Sides, TruePairs, true_pairs
from isekai_gen.neighbors.similarity import ScoreArray
from isekai_gen.neighbors.vectors import Vectors

# Rows compared with all others cost as much as this many rows of an exact search.
_MOST_ROWS = 20_000


@dataclass(frozen=True)
class RecallSample:
    """How a recall is measured.

    Attributes:
        seed: Of the random rows.
        rows: Fewest rows drawn.
        confidence: Of the interval, in (0, 1).
        resolution: Rows are added, up to 20,000, until an interval without a miss would reach down
            to 1 - resolution; how many that takes is computed from the listed pairs.
    """

    seed: int
    rows: int = 1000
    confidence: float = 0.95
    resolution: float = 0.01


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
    weight: np.ndarray


def measure_recall(
    vectors: Vectors,
    pairs: PairList,
    floor: float,
    *,
    seed: int,
    rows: int = 1000,
    confidence: float = 0.95,
    against: Vectors | None = None,
) -> Interval:
    """Which share of the pairs at or above the floor is listed.

    Random rows are compared with everything, exactly; `recall_interval` says how the interval is
    made. If all rows were drawn, its ends meet.

    Args:
        vectors: n rows.
        pairs: What a search of them listed; all at or above the floor.
        floor: Lowest similarity of a pair.
        seed: Of the random rows; take another one than any that the search was tuned by.
        rows: Fewest rows drawn; see `RecallSample.resolution` for when there are more.
        confidence: Share of such intervals that hold the truth, in (0, 1).
        against: The other matrix, if the pairs are between two.
    """
    sample = RecallSample(seed=seed, rows=rows, confidence=confidence)
    return measured_recall(Sides(vectors, against), pairs, floor, sample).interval


def measured_recall(
    sides: Sides, pairs: PairList, floor: float, sample: RecallSample
) -> MeasuredRecall:
    """As `measure_recall`, with what was seen."""
    count = sides.left.shape[0]
    draw = row_draw(pairs, count, within=sides.right is None)
    draws = min(draw.draws_needed(sample.resolution, sample.confidence), _MOST_ROWS)
    draws = max(draws, sample.rows)
    if draws >= count:
        truth = true_pairs(sides, np.arange(count, dtype=np.int64), floor)
        missed = ~_listed(truth, pairs, sides)
        return MeasuredRecall(_census(missed), truth, missed, np.ones(len(missed)))
    rows = np.random.default_rng(sample.seed).choice(count, size=draws, p=draw.chance)
    sampled, times = np.unique(rows, return_counts=True)
    truth = true_pairs(sides, sampled, floor)
    missed = ~_listed(truth, pairs, sides)
    mass = draw.pair_mass(truth.row, truth.partner)
    true_by_draw, missed_by_draw = (
        np.repeat(_by_row(truth, each), times) for each in (mass, mass * missed)
    )
    interval = recall_interval(draw, true_by_draw, missed_by_draw, sample.confidence)
    return MeasuredRecall(interval, truth, missed, mass * times[truth.position])


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
