"""From the answers on a stratified sample to precision and recall, with intervals that hold.

Strata are weighted by their sizes. The interval of a weighted mean of shares comes from those of
the strata by the method of variance estimates recovery (Zou, Huang and Zhang, "A note on confidence
interval estimation for a linear function of binomial proportions", Computational Statistics and
Data Analysis 53, 2009). It starts from exact intervals: with Wilson's, which are shorter, it misses
the truth too often where most answers agree (8 % instead of 5 % in simulations). A stratum without
answers counts as unknown, [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isekai_gen.intervals import Interval
from isekai_gen.stages.calibration_rule import upper_bounds

CONFIDENCE = 0.95


@dataclass(frozen=True)
class AnsweredStratum:
    """What people said of a stratum.

    Attributes:
        size: Verdicts in it, asked or not.
        yes: Answers that the image should be dropped, or that the pair is a duplicate.
        no: Answers to the contrary.
    """

    size: int
    yes: int
    no: int

    @property
    def answered(self) -> int:
        """Answers that say something."""
        return self.yes + self.no


def weighted_share(strata: Sequence[AnsweredStratum], confidence: float = CONFIDENCE) -> Interval:
    """Share of all verdicts in the strata to which people would say yes.

    Args:
        strata: At least one, of size 1 or more.
        confidence: Of the interval.
    """
    total = sum(stratum.size for stratum in strata)
    if not total:
        raise ValueError("a share of no verdicts")
    shares = [_share(stratum, confidence) for stratum in strata]
    weights = [stratum.size / total for stratum in strata]
    weighted = list(zip(weights, shares, strict=True))
    estimate = sum(weight * share.estimate for weight, share in weighted)
    below = math.hypot(*(weight * (share.estimate - share.low) for weight, share in weighted))
    above = math.hypot(*(weight * (share.high - share.estimate) for weight, share in weighted))
    return Interval(estimate, max(0.0, estimate - below), min(1.0, estimate + above))


def recall_of(dropped: Sequence[AnsweredStratum], kept: Sequence[AnsweredStratum]) -> Interval:
    """Share of what should be dropped that is: right drops by right drops and missed ones.

    The ends join the ends of two intervals of half the error each (Bonferroni), so that it holds
    with at least the confidence of one.

    Args:
        dropped: Strata of drops.
        kept: Strata of what was kept near the limits; farther ones are not looked at.
    """
    confidence = (1.0 + CONFIDENCE) / 2.0
    right, missed = _number(dropped, confidence), _number(kept, confidence)
    return Interval(
        _ratio(right.estimate, missed.estimate),
        _ratio(right.low, missed.high),
        _ratio(right.high, missed.low),
    )


def _share(stratum: AnsweredStratum, confidence: float) -> Interval:
    if not stratum.answered:
        return Interval(0.5, 0.0, 1.0)
    counts = np.array([stratum.yes, stratum.no])
    high, high_no = upper_bounds(counts, stratum.answered, (1.0 + confidence) / 2.0)
    return Interval(stratum.yes / stratum.answered, 1.0 - float(high_no), float(high))


def _number(strata: Sequence[AnsweredStratum], confidence: float) -> Interval:
    """How many verdicts of the strata people would say yes to."""
    total = sum(stratum.size for stratum in strata)
    if not total:
        return Interval(0.0, 0.0, 0.0)
    share = weighted_share(strata, confidence)
    return Interval(total * share.estimate, total * share.low, total * share.high)


def _ratio(right: float, missed: float) -> float:
    """Without anything to find, nothing is missed."""
    return right / (right + missed) if right + missed > 0.0 else 1.0
