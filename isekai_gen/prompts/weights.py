"""Weights: positive decimals as the user writes them, whole numbers as turns are laid out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

MAX_WEIGHT = 1_000_000
# A round of turns is bounded, so that every choice comes within a foreseeable number of them.
MAX_ROUND = 100_000


def whole_weights(weights: Sequence[Fraction]) -> tuple[int, ...]:
    """The smallest whole numbers in the same proportions as `weights` (all > 0)."""
    first = weights[0]
    if all(weight == first for weight in weights):
        return (1,) * len(weights)
    scale = math.lcm(*(weight.denominator for weight in weights))
    whole = [int(weight * scale) for weight in weights]
    divisor = math.gcd(*whole)
    return tuple(weight // divisor for weight in whole)


@lru_cache(maxsize=256)
def combination_weights(weights: tuple[Fraction, ...], count: int) -> tuple[int, ...]:
    """Whole weights of all combinations of `count` options, in the order written.

    A combination weighs the product of its options' weights.
    """
    if len(set(weights)) == 1:
        return (1,) * math.comb(len(weights), count)
    products = [math.prod(taken) for taken in itertools.combinations(weights, count)]
    return whole_weights([Fraction(product) for product in products])


def weights_fault(weights: Sequence[Fraction], what: str) -> str | None:
    """Why these weights make too long a round, or None."""
    total = sum(whole_weights(weights)) if weights else 0
    if total <= MAX_ROUND:
        return None
    return (
        f"the weights of {what} make {total} parts, more than {MAX_ROUND}; "
        "use rounder weights or fewer values"
    )
