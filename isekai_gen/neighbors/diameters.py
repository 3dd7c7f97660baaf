"""How alike the least alike rows of a group are, exactly: the float64 similarity that decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.similarity import (
    IndexArray,
    ScoreArray,
    float32_margin,
    indexed_similarities,
    pair_similarities,
    unit_rows,
)
from isekai_gen.neighbors.vectors import Vectors

# Groups up to here are scored together with others of their size, larger ones by themselves. Most
# have two or three members, and of these every pair is soon scored.
_SMALL = 8
# Rows that are taken from the vectors at once.
_CHUNK_ROWS = 1 << 15


def lowest_similarities(groups: Sequence[IndexArray], vectors: Vectors) -> ScoreArray:
    """The lowest similarity between two members of each group.

    Args:
        groups: Rows of each group, at least two.
        vectors: All rows.

    Returns:
        float64, shape (len(groups),), rounded to float32 as stored similarities are.
    """
    lowest = np.empty(len(groups), dtype=np.float64)
    size = np.array([len(rows) for rows in groups], dtype=np.int64)
    for members in np.unique(size).tolist():
        same = np.flatnonzero(size == members)
        step = max(1, _CHUNK_ROWS // members) if members <= _SMALL else 1
        for start in range(0, len(same), step):
            part = same[start : start + step]
            rows = vectors.take(np.concatenate([groups[one] for one in part]))
            score = _of_equal_sizes if members <= _SMALL else _of_one_group
            lowest[part] = score(rows, members)
    return lowest.astype(np.float32).astype(np.float64)


def _of_equal_sizes(rows: FloatArray, members: int) -> ScoreArray:
    """Lowest similarity within each run of `members` rows: every pair is scored."""
    i, j = np.triu_indices(members, 1)
    begins = np.arange(0, len(rows), members, dtype=np.int64)[:, np.newaxis]
    similarity = indexed_similarities(rows, (begins + i).ravel(), rows, (begins + j).ravel())
    lowest: ScoreArray = similarity.reshape(len(begins), -1).min(axis=1)
    return lowest


def _of_one_group(rows: FloatArray, _: int) -> ScoreArray:
    """Lowest similarity within a large group: only pairs that can be the lowest are scored.

    A float32 product is within `float32_margin` of the similarity, so no pair whose product is more
    than two margins above the lowest product can be the least alike.
    """
    # Equal rows count once, or all of their pairs would have to be scored.
    distinct = rows[list({row.tobytes(): place for place, row in enumerate(rows)}.values())]
    if len(distinct) == 1:
        return np.ones(1)
    units = unit_rows(distinct)
    products = units @ units.T
    np.fill_diagonal(products, np.inf)
    bound = float(products.min()) + 2.0 * float32_margin(rows.shape[1])
    i, j = np.nonzero(products.astype(np.float64) <= bound)
    once = i < j
    lowest: ScoreArray = indexed_similarities(distinct, i[once], distinct, j[once]).min(
        keepdims=True
    )
    return lowest


def lowest_to_first(group: IndexArray, vectors: Vectors) -> float:
    """The lowest similarity of a group's rows to its first, rounded to float32."""
    first = vectors.take(group[:1])
    lowest = 1.0
    for start in range(1, len(group), _CHUNK_ROWS):
        rows = vectors.take(group[start : start + _CHUNK_ROWS])
        similarity = pair_similarities(np.repeat(first, len(rows), axis=0), rows)
        lowest = min(lowest, float(similarity.min()))
    return float(np.float32(lowest))
