"""Choose how thoroughly to search: the cheapest level that finds enough of a sample's pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isekai_gen.neighbors.approximate_method import CandidateMethod
from isekai_gen.neighbors.recall_truth import Sides, TruePairs, true_pairs

_FIRST_ROWS, _MOST_ROWS = 1000, 2000
_ENOUGH_PAIRS = 250
_MOST_PAIRS = 4000


@dataclass(frozen=True)
class Choice:
    """A level of effort.

    Attributes:
        level: Of the method.
        seconds: What the whole search is expected to take.
    """

    level: int
    seconds: float


def tuning_pairs(sides: Sides, floor: float, seed: int) -> TruePairs:
    """True pairs of 1,000 random rows, or of 2,000 if those have fewer than 250.

    Stopping at a number of pairs is no matter here: the recall is measured on other rows.
    """
    order = np.random.default_rng(seed).permutation(sides.left.shape[0])[:_MOST_ROWS]
    truth = true_pairs(sides, np.sort(order[:_FIRST_ROWS]), floor)
    if len(truth.position) >= _ENOUGH_PAIRS or len(order) <= _FIRST_ROWS:
        return truth
    more = true_pairs(sides, np.sort(order[_FIRST_ROWS:]), floor)
    return TruePairs(
        np.concatenate([truth.sampled, more.sampled]),
        np.concatenate([truth.position, more.position + len(truth.sampled)]),
        np.concatenate([truth.partner, more.partner]),
    )


def choose_level(
    method: CandidateMethod, pairs: TruePairs, weight: np.ndarray, max_missed: float, first: int
) -> Choice | None:
    """The cheapest level that misses at most a share of the pairs, or else the highest there is.

    Without pairs nothing can be told; then it is the highest level that takes at most twice as
    long as the first.

    Args:
        method: What proposes candidates.
        pairs: True pairs; of over 4,000, as many at random.
        weight: float64 [p]: what each pair stands for.
        max_missed: Highest share of the weight that may be missed.
        first: Lowest level to choose.

    Returns:
        The choice; None if there is no level from `first` on.
    """
    if len(weight) > _MOST_PAIRS:
        some = np.random.default_rng(0).permutation(len(weight))[:_MOST_PAIRS]
        pairs = TruePairs(pairs.sampled, pairs.position[some], pairs.partner[some])
        weight = weight[some]
    choice, cheapest = None, float("inf")
    for level, trial in enumerate(method.trials(pairs, first), first):
        cheapest = min(cheapest, trial.seconds)
        if not len(weight) and trial.seconds > 2.0 * cheapest:
            return choice
        choice = Choice(level, trial.seconds)
        missed = float(weight[~trial.found].sum())
        if len(weight) and missed <= max_missed * float(weight.sum()):
            return choice
    return choice
