"""Random numbers of one episode that depend on nothing but seed, episode and purpose.

A counter goes through SHA-256, so a number is the same in any process, on any machine and with any
version of Python; and what is drawn for one purpose (the query, say) does not move what is drawn
for another. A draw out of a range rejects the few words that would favor its low end.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import TypeVar

_WORD_BYTES = 8
_WORDS = 1 << 64
T = TypeVar("T")


class EpisodeDraws:
    """A stream of random numbers, fixed by a seed and a key."""

    def __init__(self, seed: int, key: str) -> None:
        self._prefix = hashlib.sha256(f"episode {seed} {key}".encode())
        self._counter = 0
        self._words = b""

    def below(self, bound: int) -> int:
        """A whole number in [0, bound), each as likely as the others; 1 <= bound <= 2**64."""
        if not 1 <= bound <= _WORDS:
            raise ValueError(f"bound must be in [1, 2**64], got {bound}")
        fair = _WORDS - _WORDS % bound
        while True:
            word = self._word()
            if word < fair:
                return word % bound

    def weighted(self, weights: Sequence[int]) -> int:
        """A position in `weights`, each as likely as its weight is large.

        Args:
            weights: Whole numbers >= 0, so that no rounding differs between machines; not all 0,
                their sum at most 2**64.
        """
        sums = list(accumulate(weights))
        return bisect_right(sums, self.below(sums[-1]))

    def sample(self, values: Sequence[T], count: int, barred: Collection[T] = ()) -> list[T]:
        """The first `count` of a shuffle of `values` without those that are barred.

        A smaller count gives the beginning of what a larger one gives. The work depends on
        `count` and `barred`, not on the number of values.

        Raises:
            ValueError: If fewer than `count` values are left.
        """
        # Fisher-Yates from the back; `moved` holds only the places that are not as in `values`.
        moved: dict[int, int] = {}
        left = len(values)
        drawn: list[T] = []
        while len(drawn) < count:
            place = self.below(left)
            left -= 1
            value = values[moved.get(place, place)]
            moved[place] = moved.get(left, left)
            if value not in barred:
                drawn.append(value)
        return drawn

    def _word(self) -> int:
        """64 random bits."""
        if not self._words:
            block = self._prefix.copy()
            block.update(b" %d" % self._counter)
            self._counter += 1
            self._words = block.digest()
        word, self._words = self._words[:_WORD_BYTES], self._words[_WORD_BYTES:]
        return int.from_bytes(word)
