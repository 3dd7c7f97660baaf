"""Choose how thoroughly to search: the cheapest level that finds enough of a sample's pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isekai_gen.neighbors.approximate_method import CandidateMethod
from isekai_gen.neighbors.recall_truth import Sides, TruePairs, true_pairs

_TUNING_ROWS = 2000
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


@dataclass(frozen=True)
class Goal:
    """What a level of effort has to reach.

    Attributes:
        max_missed: Highest share of the pairs that may be missed.
        spare_seconds: What a higher level may take longer than one that reaches this. A sample of
            few hundred pairs may be lucky, and a search that falls short is searched and measured
            all over again.
    """

    max_missed: float
    spare_seconds: float


def tuning_pairs(sides: Sides, floor: float, seed: int) -> TruePairs:
    """True pairs of 2,000 random rows."""
    rows = np.random.default_rng(seed).permutation(sides.left.shape[0])[:_TUNING_ROWS]
    return true_pairs(sides, np.sort(rows), floor)


def choose_level(
    method: CandidateMethod, pairs: TruePairs, weight: np.ndarray, goal: Goal, first: int
) -> Choice | None:
    """The cheapest level that misses few enough pairs, or a higher one that hardly takes longer.

    If none does, it is the highest level there is. Without pairs nothing can be told; then it is
    the highest level that takes at most twice as long as the first.

    Args:
        method: What proposes candidates.
        pairs: True pairs; of over 4,000, as many at random.
        weight: float64 [p]: what each pair stands for.
        goal: What to reach.
        first: Lowest level to choose.

    Returns:
        The choice; None if there is no level from `first` on.
    """
    if len(weight) > _MOST_PAIRS:
        some = np.random.default_rng(0).permutation(len(weight))[:_MOST_PAIRS]
        pairs = TruePairs(pairs.sampled, pairs.position[some], pairs.partner[some])
        weight = weight[some]
    choice, most_seconds = None, float("inf")
    for level, trial in enumerate(method.trials(pairs, first), first):
        if trial.seconds > most_seconds:
            return choice
        choice = Choice(level, trial.seconds)
        missed = float(weight[~trial.found].sum())
        if not len(weight):
            most_seconds = min(most_seconds, 2.0 * trial.seconds)
        elif missed <= goal.max_missed * float(weight.sum()):
            if not method.counts_work:
                return choice
            most_seconds = min(most_seconds, trial.seconds + goal.spare_seconds)
    return choice
