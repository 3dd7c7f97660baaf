"""A seeded permutation of a range that is too large to be shuffled."""

from __future__ import annotations

import hashlib
import math

# Six rounds of a Feistel network with an even round function leave no visible order; four are
# proven to look random to anyone who may ask for few values only (Luby and Rackoff, 1988).
_ROUNDS = 6


class Permutation:
    """The numbers 0 .. size - 1 in an order that a key chooses, each found by itself.

    A Feistel network over pairs of digits in base ceil(sqrt(size)): it permutes the pairs, which
    are hardly more than `size`, and a number outside of the range goes round again until it is
    inside (cycle walking; Black and Rogaway, 2002). Whole-number arithmetic and BLAKE2 make it the
    same on every machine and version.
    """

    def __init__(self, size: int, key: bytes) -> None:
        """Set up a permutation.

        Args:
            size: Numbers to permute; > 0.
            key: Chooses the order; at most 64 bytes.

        Raises:
            ValueError: If there is no number, or the key is too long.
        """
        if size <= 0:
            raise ValueError(f"a permutation needs a size above 0, got {size}")
        self._size = size
        self._base = math.isqrt(size - 1) + 1
        # Eight bytes more than the base has, so that the remainder is as good as even.
        self._bytes = self._base.bit_length() // 8 + 8
        self._mix = hashlib.blake2b(key=key, digest_size=min(64, self._bytes))

    def __call__(self, number: int) -> int:
        """The value at place `number`, 0 <= number < size."""
        if not 0 <= number < self._size:
            raise ValueError(f"number must be in [0, {self._size}), got {number}")
        while True:
            left, right = divmod(number, self._base)
            for turn in range(_ROUNDS):
                left, right = right, (left + self._mixed(turn, right)) % self._base
            number = left * self._base + right
            if number < self._size:
                return number

    def _mixed(self, turn: int, digit: int) -> int:
        mix = self._mix.copy()
        mix.update(b"%d:%d" % (turn, digit))
        return int.from_bytes(mix.digest())
