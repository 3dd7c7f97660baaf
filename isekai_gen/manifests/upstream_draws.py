"""Seeded draws whose outcome depends on a seed, a purpose and the candidates only.

The random numbers are SHA-256 digests over (seed, purpose, position). So a draw never depends on
what was drawn before it, nor on the version of Python.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Drawn = TypeVar("Drawn")


def draw(seed: int, purpose: str, candidates: Sequence[Drawn], count: int) -> list[Drawn]:
    """The first `count` of a shuffle of the candidates.

    Args:
        seed: Of the whole file.
        purpose: What is drawn for, such as "support 81c1 cactihog"; another gives another draw.
        candidates: In an order that is always the same, at least `count`.
        count: How many to draw, without replacement.
    """
    rest = list(candidates)
    for place in range(count):  # Fisher-Yates, from the front
        digest = hashlib.sha256(f"{seed} {purpose} {place}".encode()).digest()
        other = place + int.from_bytes(digest) % (len(rest) - place)
        rest[place], rest[other] = rest[other], rest[place]
    return rest[:count]
