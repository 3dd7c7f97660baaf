"""Weighted turns of a fixed number of choices, each used up after its own number of uses.

A schedule answers "which choice has turn i, and how many turns of it came before" without walking
through the turns before. Turns come in rounds. In a round every choice has as many turns as its
whole-number weight, in an order shuffled by a key; turns of a choice that is used up are left out.
So

* every turn falls on a choice with a chance in proportion to its weight, among those not used up;
* until the first choice is used up, whole rounds hold every choice exactly by its weight;
* turns 0 .. total - 1 use every choice exactly as often as its capacity.

Within a round this is successive sampling without replacement, by shuffled lots.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

# A round is laid out in memory, so its length is bounded.
MAX_ROUND = 100_000


def whole_weights(weights: Sequence[Fraction]) -> tuple[int, ...]:
    """The smallest whole numbers in the same proportions as `weights` (all > 0)."""
    scale = math.lcm(*(weight.denominator for weight in weights))
    whole = [int(weight * scale) for weight in weights]
    divisor = math.gcd(*whole)
    return tuple(weight // divisor for weight in whole)


class Schedule:
    """Turns 0 .. total - 1 among choices 0 .. n - 1.

    Attributes:
        total: Sum of the capacities.
    """

    def __init__(self, weights: Sequence[int], capacities: Sequence[int]) -> None:
        """Set up the rounds.

        Args:
            weights: Turns per round of each choice; > 0, at most `MAX_ROUND` together.
            capacities: Turns that each choice has in all; > 0.

        Raises:
            ValueError: If they differ in number, are none, are not positive, or weigh too much.
        """
        if len(weights) != len(capacities) or not weights:
            raise ValueError(f"{len(weights)} weights for {len(capacities)} capacities")
        if min(*weights, *capacities) <= 0:
            raise ValueError("weights and capacities must be positive")
        if sum(weights) > MAX_ROUND:
            raise ValueError(f"weights add up to {sum(weights)}, more than {MAX_ROUND}")
        self.total = sum(capacities)
        self._weights = tuple(weights)
        self._capacities = tuple(capacities)
        pairs = zip(capacities, weights, strict=True)
        self._full_rounds = min(capacity // weight for capacity, weight in pairs)
        self._rounds = max(-(-c // w) for c, w in zip(capacities, weights, strict=True))

    def locate(self, turn: int, key: bytes) -> tuple[int, int]:
        """The choice that has a turn, and the number of its own turns before it.

        Args:
            turn: 0 <= turn < total.
            key: Shuffles the rounds; the same key gives the same turns.

        Returns:
            Choice, and rank with 0 <= rank < its capacity. Over all turns, every (choice, rank)
            comes exactly once.
        """
        if not 0 <= turn < self.total:
            raise ValueError(f"turn must be in [0, {self.total}), got {turn}")
        number = self._round_of(turn)
        used = self._used_before(number)
        lots = _shuffled_lots(self._weights, key, number)
        if number >= self._full_rounds:
            lots = self._without_used_up(lots, used)
        position = turn - sum(used)
        choice = int(lots[position])
        return choice, used[choice] + int(np.count_nonzero(lots[:position] == choice))

    def _round_of(self, turn: int) -> int:
        """The round of a turn: by division while rounds are full, then by bisection."""
        per_round = sum(self._weights)
        if turn < self._full_rounds * per_round:
            return turn // per_round
        low, high = self._full_rounds, self._rounds
        while high - low > 1:
            middle = (low + high) // 2
            if sum(self._used_before(middle)) <= turn:
                low = middle
            else:
                high = middle
        return low

    def _used_before(self, number: int) -> list[int]:
        """Turns that each choice has had before a round."""
        pairs = zip(self._capacities, self._weights, strict=True)
        return [min(capacity, number * weight) for capacity, weight in pairs]

    def _without_used_up(
        self, lots: npt.NDArray[np.int64], used: Sequence[int]
    ) -> npt.NDArray[np.int64]:
        """The lots of a round, each choice only as often as it has turns left."""
        left = [capacity - had for capacity, had in zip(self._capacities, used, strict=True)]
        kept = []
        for choice in lots.tolist():
            if left[choice]:
                left[choice] -= 1
                kept.append(choice)
        return np.array(kept, dtype=np.int64)


@lru_cache(maxsize=64)
def _shuffled_lots(weights: tuple[int, ...], key: bytes, number: int) -> npt.NDArray[np.int64]:
    """Every choice as often as its weight, shuffled: int64 [sum of weights].

    The order sorts numbers drawn from SHAKE-128, so it is the same on every machine and version.
    """
    lots = np.repeat(np.arange(len(weights), dtype=np.int64), weights)
    drawn = hashlib.shake_128(key + b":%d" % number).digest(8 * len(lots))
    shuffled = lots[np.argsort(np.frombuffer(drawn, dtype=">u8"), kind="stable")]
    shuffled.setflags(write=False)  # the cache hands out the same array again
    return shuffled
