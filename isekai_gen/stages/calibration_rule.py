"""How limits follow from what was measured: arrays in, numbers out.

An image is dropped wrongly if a similarity above the limit joins it to an image that comes before
it in the order of priority and is no duplicate. So one number for each image is enough: its
similarity to the nearest such image, its *near-miss*. Of images drawn at random, the share with a
near-miss above a limit bounds the wrong drops that the limit does, whatever the size of the
dataset, because each was compared with all of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Similarities = npt.NDArray[np.float64]
Basis = Literal["counted", "extrapolated", "default"]

NO_NEAR_MISS = -1.0
"""Stands for an image with nothing near it."""
REVIEWED_RECALL = 0.99
"""Share of planted copies that the limit for people shall reach."""
REVIEW_FACTOR = 10.0
"""So many times the budget may lie above the limit for people."""
# The tail is fitted to a tenth of the images, and to no fewer than this.
_TAIL_SHARE = 0.1
_FEWEST_IN_TAIL = 10


@dataclass(frozen=True, eq=False)
class Measured:
    """What one tier measured.

    Attributes:
        copies: float64 [m]: each planted copy's similarity to its original.
        near_misses: float64 [a]: each anchor's near-miss; `NO_NEAR_MISS` where there is none.
    """

    copies: Similarities
    near_misses: Similarities


@dataclass(frozen=True)
class Demand:
    """What is asked of a limit.

    Attributes:
        rate: Share of all images that may be dropped wrongly, in (0, 1).
        confidence: Of the upper bound that is held against it, in (0, 1).
        grid: Limits are whole multiples of this.
        default: The limit where too little is known to choose one.
        lowest: No limit lies below it.
    """

    rate: float
    confidence: float
    grid: float
    default: float
    lowest: float


@dataclass(frozen=True)
class ChosenLimits:
    """Two limits and what the first rests on.

    Attributes:
        limit: Pairs above it are duplicates.
        review: Pairs above it are for people; never above `limit`.
        basis: "counted": the upper bound of the share of wrong drops keeps the rate.
            "extrapolated": there are too few anchors for that; the tail of their near-misses was
            carried on to the rate. "default": nor was there a tail to carry on, so that the limit
            is the default or the highest near-miss seen, whichever is higher.
    """

    limit: float
    review: float
    basis: Basis


def choose_limits(measured: Measured, demand: Demand) -> ChosenLimits:
    """The lowest limit that keeps the rate, and the limit from which on people look.

    People look from where `REVIEWED_RECALL` of the copies are reached, but not from so low that
    over `REVIEW_FACTOR` times the rate lies above.

    Raises:
        ValueError: If there are no anchors or no copies.
    """
    if not len(measured.near_misses) or not len(measured.copies):
        raise ValueError("limits follow from at least one anchor and one copy")
    lowest, basis = _lowest_limit(measured.near_misses, demand)
    limit = min(1.0, max(demand.lowest, _up_to_grid(lowest, demand.grid)))
    reached = _reaching_limit(measured.copies, demand.grid)
    allowed = int(REVIEW_FACTOR * demand.rate * len(measured.near_misses))
    crowded = _up_to_grid(_nth_highest(measured.near_misses, allowed), demand.grid)
    review = max(demand.lowest, reached, crowded)
    return ChosenLimits(limit, min(limit, review), basis)


def _lowest_limit(near_misses: Similarities, demand: Demand) -> tuple[float, Basis]:
    allowed = allowed_hits(len(near_misses), demand.rate, demand.confidence)
    if allowed >= 0:
        return _nth_highest(near_misses, allowed), "counted"
    highest = float(near_misses.max())
    tail = _tail_limit(near_misses, demand)
    if tail is None:
        return max(highest, demand.default), "default"
    return max(highest, tail), "extrapolated"


def allowed_hits(anchors: int, rate: float, confidence: float) -> int:
    """The most anchors that may lie above a limit with the upper bound still within the rate.

    Returns:
        -1 if even none of them above it does not prove the rate.
    """
    hits = np.arange(math.floor(rate * anchors) + 1)
    within = np.flatnonzero(upper_bounds(hits, anchors, confidence) <= rate)
    return int(within[-1]) if len(within) else -1


def anchors_needed(rate: float, confidence: float) -> int:
    """Anchors that prove the rate if none of them lies above the limit."""
    return math.ceil(math.log1p(-confidence) / math.log1p(-rate))


def upper_bounds(
    hits: npt.NDArray[np.int64], trials: int, confidence: float
) -> npt.NDArray[np.float64]:
    """One-sided upper bounds of a share, exact for independent trials.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934). For anchors drawn without replacement they are too wide, never
    too narrow. (Wilson's interval falls short where there are no hits, which is the case here.)

    Args:
        hits: int64 [k], 0 <= hits <= trials.
        trials: Anchors, at least 1.
        confidence: In (0, 1).

    Returns:
        float64 [k], in (0, 1].
    """
    from scipy.special import betaincinv

    misses = np.maximum(trials - hits, 1)  # with all hits the bound is 1, set below
    bounds = betaincinv(hits + 1.0, misses, confidence)
    return np.where(hits == trials, 1.0, bounds)


def _tail_limit(near_misses: Similarities, demand: Demand) -> float | None:
    """The limit at which a power-law tail, fitted to the highest near-misses, has the rate.

    Peaks over a threshold (Pickands, "Statistical inference using extreme order statistics",
    Annals of Statistics 3, 1975) of -log(1 - similarity). Close to a point, vectors of intrinsic
    dimension k have the share (1 - similarity)^(k/2) of their neighbors, so that this is
    exponential (Levina and Bickel, "Maximum likelihood estimation of intrinsic dimension", NeurIPS
    2004). The mean excess is taken at its upper confidence bound.

    Returns:
        None if there are too few near-misses.
    """
    from scipy.special import gammaincinv

    count = max(_FEWEST_IN_TAIL, math.ceil(_TAIL_SHARE * len(near_misses)))
    highest = np.sort(near_misses)[::-1][: count + 1]
    if len(highest) <= count or highest[count] == NO_NEAR_MISS:
        return None
    half_step = demand.grid / 2.0  # equal pictures are no further apart than the grid can tell
    depth = -np.log(1.0 - highest + half_step)
    mean = float((depth[:count] - depth[count]).sum())
    mean /= float(gammaincinv(count, 1.0 - demand.confidence))
    share = count / len(near_misses)
    wanted = float(depth[count]) + mean * max(0.0, math.log(share / demand.rate))
    return 1.0 + half_step - math.exp(-wanted)


def _reaching_limit(copies: Similarities, grid: float) -> float:
    """The highest limit on the grid with `REVIEWED_RECALL` of the copies above it."""
    missed = math.floor((1.0 - REVIEWED_RECALL) * len(copies))
    lowest = float(np.sort(copies)[missed])
    below = math.floor(lowest / grid) * grid
    return below if below < lowest else below - grid


def _nth_highest(near_misses: Similarities, number: int) -> float:
    """The near-miss that `number` others lie above, or equal; `NO_NEAR_MISS` beyond the last."""
    if number >= len(near_misses):
        return NO_NEAR_MISS
    return float(np.sort(near_misses)[::-1][number])


def _up_to_grid(limit: float, grid: float) -> float:
    return math.ceil(limit / grid) * grid
