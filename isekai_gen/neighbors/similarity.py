"""The similarity that decides: float64, summed in one fixed order, the same to the bit everywhere.

Fast float32 products only propose candidate pairs; what is compared with a limit, written or shown
comes from here. BLAS libraries, block shapes and devices sum in different orders and differ in the
last bits, so a pair right at a limit could be dropped on one machine and kept on another.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray, normalized

IndexArray = npt.NDArray[np.int64]
ScoreArray = npt.NDArray[np.float64]
_FLOAT32_UNIT_ROUNDOFF = 2.0**-24
# Numbers in one float64 temporary: 32 MiB, whatever the size of the job.
_CHUNK_NUMBERS = 1 << 22


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
    result = np.empty(len(left_rows), dtype=np.float64)
    step = max(1, _CHUNK_NUMBERS // max(1, left.shape[1]))
    for start in range(0, len(left_rows), step):
        part = slice(start, start + step)
        result[part] = _scored(
            left[left_rows[part]].astype(np.float64), right[right_rows[part]].astype(np.float64)
        )
    return result


def _scored(left: ScoreArray, right: ScoreArray) -> ScoreArray:
    # sqrt(s * s) is exactly s, so equal rows score exactly 1; sqrt(s) * sqrt(s) is not always s.
    lengths = np.sqrt(_row_sums(left * left) * _row_sums(right * right))
    return np.clip(_row_sums(left * right) / lengths, -1.0, 1.0)


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
