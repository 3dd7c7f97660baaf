"""Confidence intervals of shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Interval:
    """A measured share with its confidence interval.

    Attributes:
        estimate: In [0, 1].
        low: Lower end.
        high: Upper end.
    """

    estimate: float
    low: float
    high: float


def wilson_interval(hits: float, trials: int, confidence: float = 0.95) -> Interval:
    """The Wilson score interval of a share of independent trials.

    Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (1927). Without trials nothing is known: [0, 1].

    Args:
        hits: 0 <= hits <= trials; no whole number where a trial may hit in part.
        trials: Independent trials.
        confidence: Share of such intervals that hold the truth, in (0, 1).

    Raises:
        ValueError: If an argument is out of range.
    """
    if not 0 <= hits <= trials or not 0.0 < confidence < 1.0:
        raise ValueError(f"no interval of {hits} hits in {trials} trials at {confidence}")
    if trials == 0:
        return Interval(0.0, 0.0, 1.0)
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    share, spread = hits / trials, z * z / trials
    center = (share + spread / 2.0) / (1.0 + spread)
    half = z / (1.0 + spread) * math.sqrt(share * (1.0 - share) / trials + spread / (4.0 * trials))
    # The formula gives 0 and 1 only up to rounding where every trial, or none, is a hit.
    low = 0.0 if hits == 0 else max(0.0, center - half)
    high = 1.0 if hits == trials else min(1.0, center + half)
    return Interval(share, low, high)
