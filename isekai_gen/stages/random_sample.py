"""Random samples that follow from a seed and the keys alone, in whatever order these come."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def draw_sample(keys: Sequence[str], number: int, seed: int) -> list[int]:
    """Places of up to `number` keys, drawn without replacement, ascending.

    Those with the lowest SHA-256 of seed and key are drawn. So a larger sample holds the smaller
    one, and a few more keys change the sample little.

    Args:
        keys: Distinct texts, such as image ids.
        number: At least 0.
        seed: Of the sample.
    """

    def lot(place: int) -> bytes:
        return hashlib.sha256(f"{seed}/{keys[place]}".encode()).digest()

    return sorted(sorted(range(len(keys)), key=lot)[:number])
