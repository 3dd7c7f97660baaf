"""The similarity that decides: float64, summed in one fixed order, the same to the bit everywhere.

Fast float32 products only propose candidate pairs; what is compared with a limit, written or shown
comes from here. BLAS libraries, block shapes and devices sum in different orders and differ in the
last bits, so a pair right at a limit could be dropped on one machine and kept on another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray, normalized

if TYPE_CHECKING:
    from isekai_gen.neighbors.vectors import Vectors

IndexArray = npt.NDArray[np.int64]
ScoreArray = npt.NDArray[np.float64]
_FLOAT32_UNIT_ROUNDOFF = 2.0**-24
# Numbers in one float64 buffer: 1 MiB, which the cache of a core holds.
_CHUNK_NUMBERS = 1 << 17


def pair_similarities(left: FloatArray, right: FloatArray) -> ScoreArray:
    """Cosine similarity of each row of `left` with the same row of `right`.

    Args:
        left: float32, shape (m, d), no zero row.
        right: float32, shape (m, d), no zero row.

    Returns:
        float64, shape (m,), in [-1, 1]; see `indexed_similarities`.

    Raises:
        ValueError: If the shapes differ.
    """
    if left.shape != right.shape:
        raise ValueError(f"left and right must have one shape, got {left.shape}, {right.shape}")
    rows = np.arange(len(left), dtype=np.int64)
    return indexed_similarities(left, rows, right, rows)


def indexed_similarities(
    left: FloatArray, left_rows: IndexArray, right: FloatArray, right_rows: IndexArray
) -> ScoreArray:
    """Cosine similarity of left[left_rows[p]] with right[right_rows[p]] for every pair p.

    The products of two float32 numbers are exact in float64, and their sum is a tree of elementwise
    additions whose shape depends on d alone. Swapping left and right, or scoring the pairs in other
    company, gives the same bits; equal rows give exactly 1.

    Args:
        left: float32, shape (n, d), no zero row.
        left_rows: int64, shape (m,).
        right: float32, shape (k, d), no zero row.
        right_rows: int64, shape (m,).

    Returns:
        float64, shape (m,), in [-1, 1].
    """
    from isekai_gen.neighbors.vectors import ArrayVectors

    return gathered_similarities(ArrayVectors(left), left_rows, ArrayVectors(right), right_rows)


def gathered_similarities(
    left: Vectors, left_rows: IndexArray, right: Vectors, right_rows: IndexArray
) -> ScoreArray:
    """As `indexed_similarities`, of rows that are read as they are needed.

    Args:
        left: n rows.
        left_rows: int64, shape (m,).
        right: k rows.
        right_rows: int64, shape (m,).

    Returns:
        float64, shape (m,), in [-1, 1].
    """
    squares = _squares(left, left_rows) * _squares(right, right_rows)
    products = _in_chunks(
        len(left_rows),
        left.shape[1],
        lambda part: (left.take(left_rows[part]), right.take(right_rows[part])),
    )
    # sqrt(s * s) is exactly s, so equal rows score exactly 1; sqrt(s) * sqrt(s) is not always s.
    result: ScoreArray = np.clip(products / np.sqrt(squares), -1.0, 1.0)
    return result


def _squares(vectors: Vectors, rows: IndexArray) -> ScoreArray:
    """Squared length of every row named, float64 [len(rows)]; each row is read once."""
    different, place = np.unique(rows, return_inverse=True)

    def twice(part: slice) -> tuple[FloatArray, FloatArray]:
        taken = vectors.take(different[part])
        return taken, taken

    result: ScoreArray = _in_chunks(len(different), vectors.shape[1], twice)[place]
    return result


def _in_chunks(
    count: int, width: int, rows_of: Callable[[slice], tuple[FloatArray, FloatArray]]
) -> ScoreArray:
    """Inner products of `count` pairs of rows, in chunks of bounded memory.

    One thread: numpy's short operations hand the interpreter's lock around, and many threads take
    far longer than one.
    """
    result = np.empty(count, dtype=np.float64)
    step = max(1, _CHUNK_NUMBERS // max(1, width))
    # One buffer for all chunks: fresh ones would cost more than the sums.
    room = np.empty((min(step, count), width), dtype=np.float64)
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        left, right = rows_of(part)
        terms = np.multiply(left, right, out=room[: len(left)], dtype=np.float64)
        result[part] = _row_sums(terms)
    return result


def _row_sums(terms: ScoreArray) -> ScoreArray:
    """Row sums by folding the right half onto the left; overwrites `terms`."""
    width = terms.shape[1]
    while width > 1:
        half = (width + 1) // 2
        terms[:, : width - half] += terms[:, half:width]
        width = half
    return terms[:, 0]


def unit_rows(vectors: FloatArray) -> FloatArray:
    """Rows scaled to unit length in float64 and rounded to float32, in blocks of bounded memory.

    `float32_margin` rests on this: a stored row may be off unit length by far more than rounding.
    """
    rows = np.empty_like(vectors, order="C")
    step = max(1, _CHUNK_NUMBERS // max(1, vectors.shape[1]))
    for start in range(0, len(vectors), step):
        rows[start : start + step] = normalized(vectors[start : start + step])
    return rows


def float32_margin(dimensions: int) -> float:
    """How far a float32 product of two `unit_rows` can lie from `pair_similarities`.

    With u = 2^-24: rounding both rows to float32 perturbs each of the d terms by (1 + u)^2, and
    summing d products in any order, fused or not, by at most (1 + u)^d (Higham, "Accuracy and
    Stability of Numerical Algorithms", 2nd ed., section 3.1). The absolute values of the terms sum
    to at most 1 (Cauchy-Schwarz), so the error is at most ku / (1 - ku) with k = d + 2. Two more
    units cover float64 rounding, underflow and rounding the bound itself to float32.
    """
    share = (dimensions + 4) * _FLOAT32_UNIT_ROUNDOFF
    return share / (1.0 - share)


def float32_below(bound: float) -> np.float32:
    """A float32 number strictly below `bound`, at most two units in the last place away."""
    return np.float32(np.nextafter(np.float32(bound), np.float32(-np.inf)))
