"""Intervals over source images, for questions that come in families of one source each.

Questions about one source image are not independent: they share its object or its context, and
manifests ask the same query again beside other concepts. So the unit is the source image, with the
mean of its questions; their mean in turn gets a Wilson interval as if every image were a trial,
which is no narrower than it may be: values in [0, 1] vary at most as 0 and 1 with the same mean do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isekai_gen.intervals import Interval, wilson_interval


@dataclass(frozen=True)
class Difference:
    """A measured difference of shares with its confidence interval.

    Attributes:
        estimate: In [-1, 1].
        low: Lower end.
        high: Upper end.
    """

    estimate: float
    low: float
    high: float


def mean_interval(values: Sequence[float]) -> Interval:
    """The mean of source images with its 95 % Wilson interval.

    Args:
        values: One for each source image, in [0, 1]; at least one.
    """
    if not values:
        raise ValueError("no source image, so no mean")
    return wilson_interval(math.fsum(values), len(values))


def less(interval: Interval, level: float) -> Difference:
    """A share less a known number, such as chance."""
    return Difference(interval.estimate - level, interval.low - level, interval.high - level)


def paired_difference(first: Mapping[str, float], second: Mapping[str, float]) -> Difference | None:
    """How much the first mean is above the second, over the source images that both have.

    The square-and-add interval for paired shares of Newcombe, "Improved confidence intervals for
    the difference between binomial proportions based on paired data", Statistics in Medicine 17
    (1998), method 10: from the two Wilson intervals and the correlation of the pairs, which is
    lowered where it is above 0, so that few pairs that all agree do not count as certainty.

    Args:
        first: Source image to its value, in [0, 1].
        second: Likewise.

    Returns:
        None if they have no source image in common.
    """
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return None
    one, two = [first[key] for key in shared], [second[key] for key in shared]
    a, b = mean_interval(one), mean_interval(two)
    correlation = _correlation(one, two, a.estimate, b.estimate)
    difference = a.estimate - b.estimate
    below = _added(a.estimate - a.low, b.high - b.estimate, correlation)
    above = _added(a.high - a.estimate, b.estimate - b.low, correlation)
    return Difference(difference, max(-1.0, difference - below), min(1.0, difference + above))


def _added(one: float, two: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one * one - 2.0 * correlation * one * two + two * two))


def _correlation(
    one: Sequence[float], two: Sequence[float], mean_one: float, mean_two: float
) -> float:
    """Phi of the pairs; with values between 0 and 1 it is nearer to 0, as suits wider intervals."""
    count = len(one)
    spread = mean_one * (1.0 - mean_one) * mean_two * (1.0 - mean_two)
    if spread <= 0.0:
        return 0.0
    products = ((x - mean_one) * (y - mean_two) for x, y in zip(one, two, strict=True))
    together = math.fsum(products) / count
    if together > 0.0:
        together = max(0.0, together - 0.5 / count)
    return max(-1.0, min(1.0, together / math.sqrt(spread)))
