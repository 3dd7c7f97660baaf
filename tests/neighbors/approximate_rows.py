"""Rows with many near-duplicates, and what an exact search finds in them."""

import functools

import numpy as np

from isekai_gen.embeddings import normalized
from isekai_gen.neighbors.search import SearchOptions, search_pairs
from isekai_gen.neighbors.vectors import ArrayVectors

FLOOR = 0.95


@functools.cache
def rows(count, theme_rows, seed=1, dimensions=64):
    """Unit rows in themes of about `theme_rows`, around a shared mean; 5 % are near-duplicates."""
    draw = np.random.default_rng(seed)
    themes = draw.normal(size=(max(1, count // theme_rows), dimensions))
    theme = draw.integers(len(themes), size=count)
    spread = 0.55 * np.exp(draw.normal(size=(count, 1)) * 0.3)
    made = 1.0 + themes[theme] + spread * draw.normal(size=(count, dimensions))
    copies, originals = draw.permutation(count)[: count // 10].reshape(2, -1)
    noise = draw.normal(size=(len(copies), dimensions))
    made[copies] = made[originals] + 0.2 * noise * draw.random((len(copies), 1))
    return normalized(made)


@functools.cache
def exact(count, theme_rows, seed=1):
    """All pairs within `rows`, by an exact search."""
    options = SearchOptions(floor=FLOOR)
    return search_pairs(ArrayVectors(rows(count, theme_rows, seed)), options)[0]


def keys(pairs, width):
    return pairs.row_a * width + pairs.row_b
