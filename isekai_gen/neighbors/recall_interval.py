"""Confidence interval of a recall, from rows that were drawn at random and searched exactly.

What an approximate search listed is known; what it missed is estimated. Each drawn row that has
missed pairs is a rare event with a weight, and the sum of such weights has a gamma interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isekai_gen.intervals import Interval
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray

# Share of the draws that go to rows in proportion to their listed pairs. Without it, the pairs of a
# few dense groups would hang on whether one of their rows happens to be drawn.
_DENSE_SHARE = 0.2
# Share of the doubt that the first look takes: mostly there is no other.
_FIRST_LOOK = 0.9


@dataclass(frozen=True, eq=False)
class RowDraw:
    """How rows are drawn: independently, with replacement, dense rows more often.

    Attributes:
        chance: float64 [n]: probability of each row in one draw.
        within: Whether pairs are within one matrix, so that either row of a pair can be drawn.
        listed: Listed pairs.
        typical_mass: Mass of a row that has pairs, as far as the listed ones tell: the larger of
            what a row of which nothing was listed would have if it had as many pairs as rows with
            pairs have on average, and the mean over pairs of the mass of their rows.
    """

    chance: ScoreArray
    within: bool
    listed: int
    typical_mass: float

    def pair_mass(self, row: IndexArray, partner: IndexArray) -> ScoreArray:
        """How many pairs a pair stands for that was met in one draw of `row`, float64 [p].

        One over the chance to meet it. Within one matrix it can be met from either end, so that a
        pair of a dense row never stands for many, even if its other row is hardly ever drawn.
        """
        met = self.chance[row]
        mass: ScoreArray = 1.0 / (met + self.chance[partner] if self.within else met)
        return mass

    def draws_needed(self, wanted: float, missed: float, confidence: float) -> int:
        """Draws after which an interval lies above a recall, if no more than expected is missed.

        It depends on nothing that the draws show: stopping when the misses look few would bias the
        measurement. Events are taken to be typical. Without a listed pair there is no such number;
        then 1.

        Args:
            wanted: Where the lower end is to be, in (0, 1).
            missed: Share of the pairs expected to be missed, below 1 - wanted.
            confidence: Of the interval.

        Returns:
            The number, to a hundredth.
        """
        if not self.listed:
            return 1
        expected, allowed = (
            self.listed / self.typical_mass * share / (1.0 - share)
            for share in (missed, 1.0 - wanted)
        )
        tail = 1.0 - (1.0 - confidence) / 2.0

        def enough(draws: float) -> bool:
            return _gamma_quantile(1.0 + expected * draws, tail) <= allowed * draws

        high = 1.0 / allowed
        while not enough(high):
            high *= 2.0
        low = high / 2.0
        while high > 1.01 * low:
            middle = (low + high) / 2.0
            low, high = (low, middle) if enough(middle) else (middle, high)
        return math.ceil(high)


@dataclass
class Looks:
    """How sure each look at a recall has to be so that all of them together are as sure as asked.

    Every interval that might be told takes a share of the doubt, whatever was seen before: 90 % the
    first, and each later one half of what is left (Bonferroni). So the one that is told holds the
    truth as often as asked, however it was decided to look no further.

    Attributes:
        confidence: Of all looks together, in (0, 1).
        taken: Looks so far.
    """

    confidence: float = 0.95
    taken: int = 0

    @property
    def next_confidence(self) -> float:
        """How sure the next look has to be."""
        share = _FIRST_LOOK if not self.taken else (1.0 - _FIRST_LOOK) / 2.0**self.taken
        return 1.0 - (1.0 - self.confidence) * share

    def take(self) -> float:
        """Count one look; how sure it has to be."""
        confidence = self.next_confidence
        self.taken += 1
        return confidence


def row_draw(pairs: PairList, count: int, *, within: bool) -> RowDraw:
    """How rows are drawn to measure the recall of a list.

    Args:
        pairs: What was listed.
        count: Rows of the (first) matrix.
        within: Whether the pairs are within one matrix.
    """
    ends = [pairs.row_a, pairs.row_b] if within else [pairs.row_a]
    others = [pairs.row_b, pairs.row_a] if within else [pairs.row_b]
    by_row = np.bincount(np.concatenate(ends), minlength=count)
    chance = np.full(count, 1.0 / count)
    if len(pairs):
        chance = (1.0 - _DENSE_SHARE) / count + _DENSE_SHARE * by_row / by_row.sum()
    alone = 1.0 / ((2.0 if within else 1.0) * float(chance.min()))
    draw = RowDraw(chance, within, len(pairs), alone)
    if not len(pairs):
        return draw
    row, partner = np.concatenate(ends), np.concatenate(others)
    mass = np.bincount(row, weights=draw.pair_mass(row, partner), minlength=count)
    typical = max(
        alone * float(by_row[by_row > 0].mean()), float((chance * mass**2).sum()) / len(pairs)
    )
    return RowDraw(chance, within, len(pairs), typical)


def recall_interval(
    draw: RowDraw, true: ScoreArray, missed: ScoreArray, confidence: float
) -> Interval:
    """The recall of a list of pairs, with its interval.

    With F listed pairs (known) and U missed ones (estimated), recall is F / (F + U), so an
    interval of U gives one of the recall. The estimate of U is the mean over draws of the mass of
    the pairs that the drawn row misses. Pairs of one row are not independent, so the row is the
    event; the sum gets the gamma interval of Fay and Feuer, "Confidence intervals for directly
    standardized rates: a method based on the gamma distribution", Statistics in Medicine 16
    (1997), made for weighted sums of rare events. Its upper end adds one unseen event of the
    largest weight, and is thus the rule of three where no miss was seen. As that weight stands the
    largest of: a seen miss, `RowDraw.typical_mass`, and the mean over true pairs of the mass of
    their rows in the sample.

    What no sample excludes: few rows with very many missed pairs, of none of which anything is
    listed.

    Args:
        draw: How the rows were drawn.
        true: float64 [s]: mass of the true pairs of each drawn row, one entry per draw.
        missed: float64 [s]: mass of those that are not listed.
        confidence: Share of such intervals that hold the truth, in (0, 1).
    """
    if not draw.listed:
        return Interval(0.0, 0.0, 0.0 if missed.any() else 1.0)
    unseen = max(draw.typical_mass, float(missed.max()))
    if true.any():
        unseen = max(unseen, float((true**2).sum() / true.sum()))
    draws = len(missed)
    low, high = _gamma_interval(missed / draws, unseen / draws, (1.0 - confidence) / 2.0)
    recall = draw.listed / (draw.listed + np.array([missed.mean(), high, low]))
    return Interval(*(float(each) for each in recall))


def recall_in_looks(
    draw: RowDraw,
    seen: Callable[[int], tuple[ScoreArray, ScoreArray]],
    wanted: float,
    looks: Looks,
) -> Interval:
    """The recall of a list of pairs, by some draws and, if that decides, by as many more.

    They do if the interval reaches below the recall wanted, and would not by twice the draws if
    these showed what the first ones did.

    Args:
        draw: How the rows were drawn.
        seen: Mass of the true pairs and of the missed ones of each draw (see `recall_interval`), of
            the first half of the draws (1) or of all (2).
        wanted: Where the lower end of the interval is to be.
        looks: Says how sure the interval has to be, and is told of every look.
    """
    true, missed = seen(1)
    interval = recall_interval(draw, true, missed, looks.take())
    twice = np.tile(true, 2), np.tile(missed, 2)
    expected = recall_interval(draw, *twice, looks.next_confidence)
    if interval.low >= wanted or expected.low < wanted:
        return interval
    return recall_interval(draw, *seen(2), looks.take())


def _gamma_interval(events: ScoreArray, unseen: float, tail: float) -> tuple[float, float]:
    """Fay and Feuer's interval of a sum of weights of rare events; zeros are no events."""
    total, squares = float(events.sum()), float((events**2).sum())
    low = squares / total * _gamma_quantile(total**2 / squares, tail) if total > 0 else 0.0
    total, squares = total + unseen, squares + unseen**2
    return low, squares / total * _gamma_quantile(total**2 / squares, 1.0 - tail)


def _gamma_quantile(shape: float, probability: float) -> float:
    """The quantile of a gamma distribution of scale 1."""
    from scipy.special import gammaincinv

    return float(gammaincinv(shape, probability))
