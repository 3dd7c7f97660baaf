"""Down to which similarity pairs are listed: as far as another limit may want, as few as fit."""

from __future__ import annotations

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.similarity import unit_rows

# Edges are listed below the limit in force, so that another limit needs no new search.
_BELOW_LIMIT = 0.1
_HIGHEST_WISH = 0.85
# So many pairs are read back and decided about in seconds.
_MANY_PAIRS = 4_000_000
_SAMPLE_ROWS = 512
_BLOCK_ROWS = 8192
_STEPS = 6


def listing_floor(vectors: FloatArray, max_similarity: float, highest: float) -> float:
    """The floor of a new search.

    It lies 0.1 below the limit, and not above 0.85, where that lists up to four million pairs, as
    estimated from 512 rows against all. Where it would list more, as images of few concepts do, the
    floor rises in steps, at most to `highest`.

    Args:
        vectors: float32, shape (n, d).
        max_similarity: The limit in force.
        highest: The highest floor that serves the limits in force.

    Returns:
        A similarity at or below `highest`; the same for the same rows in the same order.
    """
    lowest = max(-1.0, min(max_similarity - _BELOW_LIMIT, _HIGHEST_WISH, highest))
    n = len(vectors)
    if n * (n - 1) // 2 <= _MANY_PAIRS or lowest == highest:
        return lowest
    floors = np.round(np.linspace(lowest, highest, _STEPS), 4).clip(max=highest)
    floors[0], floors[-1] = lowest, highest
    few = np.flatnonzero(_estimated_pairs(vectors, floors) <= _MANY_PAIRS)
    return float(floors[few[0]]) if few.size else highest


def _estimated_pairs(vectors: FloatArray, floors: np.ndarray) -> np.ndarray:
    """Number of pairs at or above each floor, from a sample of rows against all."""
    n = len(vectors)
    rows = np.sort(np.random.default_rng(n).choice(n, size=min(n, _SAMPLE_ROWS), replace=False))
    sample = unit_rows(vectors[rows])
    reached = np.zeros(len(floors))
    for start in range(0, n, _BLOCK_ROWS):
        products = sample @ unit_rows(vectors[start : start + _BLOCK_ROWS]).T
        reached += [(products >= floor).sum() for floor in floors]
    # Each row reaches every floor with itself, and each pair is met from both of its ends.
    pairs: np.ndarray = (reached - len(rows)) * n / len(rows) / 2.0
    return pairs
