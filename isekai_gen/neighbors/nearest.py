"""The k most similar references of every query: exact, with ties decided by id."""

from __future__ import annotations

import numpy as np

from isekai_gen.embeddings import EmbeddingTable, FloatArray
from isekai_gen.neighbors.similarity import (
    IndexArray,
    ScoreArray,
    float32_below,
    float32_margin,
    indexed_similarities,
    unit_rows,
)

# Numbers in one float32 block of products: 64 MiB.
_BLOCK_NUMBERS = 1 << 24


def nearest_rows(
    queries: EmbeddingTable, references: EmbeddingTable, k: int
) -> tuple[IndexArray, ScoreArray]:
    """The k nearest references of each query, most similar first.

    The result depends on the ids and vectors alone, to the bit: float32 products propose every
    reference that can be among the k, which are then scored in float64. Of equally similar
    references the one with the lower id comes first.

    Args:
        queries: n embeddings.
        references: m embeddings of the same encoder.
        k: 1 <= k <= m.

    Returns:
        Row numbers in `references`, int64 [n, k], and their similarities, float64 [n, k].

    Raises:
        ValueError: If the encoders or the dimensions differ, or k is out of range.
    """
    _check(queries, references, k)
    by_id = np.array(sorted(range(len(references)), key=references.ids.__getitem__), dtype=np.int64)
    rank_of = np.empty(len(references), dtype=np.int64)
    rank_of[by_id] = np.arange(len(references))
    units, reference_units = unit_rows(queries.vectors), unit_rows(references.vectors)
    rows = np.empty((len(queries), k), dtype=np.int64)
    scores = np.empty((len(queries), k), dtype=np.float64)
    step = max(1, _BLOCK_NUMBERS // len(references))
    for start in range(0, len(queries), step):
        products = units[start : start + step] @ reference_units.T
        for query, similar in enumerate(products, start):
            near = _candidates(similar, k, units.shape[1])
            itself = np.full(len(near), query, dtype=np.int64)
            exact = indexed_similarities(queries.vectors, itself, references.vectors, near)
            order = np.lexsort((rank_of[near], -exact))[:k]
            rows[query], scores[query] = near[order], exact[order]
    return rows, scores


def _candidates(similar: FloatArray, k: int, dimensions: int) -> IndexArray:
    """Every row that can be among the k nearest, given float32 similarities.

    k rows lie at or above the k-th float32 value, so the k-th exact similarity is at most one
    margin below it, and a row's float32 value at most one more below its exact one.
    """
    kth = float(np.partition(similar, len(similar) - k)[len(similar) - k])
    return np.flatnonzero(similar >= float32_below(kth - 2 * float32_margin(dimensions)))


def _check(queries: EmbeddingTable, references: EmbeddingTable, k: int) -> None:
    if queries.encoder != references.encoder:
        raise ValueError(
            f"embeddings of encoder {queries.encoder!r} cannot be compared with those of "
            f"{references.encoder!r}; embed both with one encoder"
        )
    if queries.vectors.shape[1] != references.vectors.shape[1]:
        raise ValueError(
            f"queries have {queries.vectors.shape[1]} dimensions, "
            f"references {references.vectors.shape[1]}"
        )
    if not 1 <= k <= len(references):
        raise ValueError(f"k must be in 1..{len(references)} (the references), got {k}")
