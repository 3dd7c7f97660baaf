"""The true pairs of a few rows, found exactly: what an approximate search is measured against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.engines import product_candidates
from isekai_gen.neighbors.rounding import RoundedRows, fastest_dtype, rounded_rows
from isekai_gen.neighbors.similarity import IndexArray, gathered_similarities
from isekai_gen.neighbors.vectors import ArrayVectors, Vectors

_BLOCK_ROWS = 65536


@dataclass(frozen=True, eq=False)
class Sides:
    """What is compared with what.

    Attributes:
        left: n rows.
        right: m rows; None for pairs within `left`.
        device: "cpu" or "cuda:0".
        rounded: The rows of `other` in a short format, where they are in memory already.
    """

    left: Vectors
    right: Vectors | None
    device: str = "cpu"
    rounded: RoundedRows | None = None

    @property
    def other(self) -> Vectors:
        """The rows that those of `left` are compared with."""
        return self.left if self.right is None else self.right

    @property
    def products(self) -> float:
        """Products of two rows that an exact search makes."""
        count = float(self.left.shape[0])
        return count * count / 2.0 if self.right is None else count * self.right.shape[0]

    def blocks(self) -> Iterator[tuple[int, RoundedRows]]:
        """The rows of `other` in a short format, with the first row of each block."""
        count = self.other.shape[0]
        for start in range(0, count, _BLOCK_ROWS):
            stop = min(start + _BLOCK_ROWS, count)
            if self.rounded is not None:
                yield start, RoundedRows(self.rounded.matrix[start:stop], self.rounded.moved)
            else:
                block = ArrayVectors(self.other.block(start, stop))
                yield start, rounded_rows(block, fastest_dtype(self.device), self.device)


@dataclass(frozen=True, eq=False)
class TruePairs:
    """All pairs at or above a floor that some rows of `left` are in.

    Attributes:
        sampled: int64 [s]: the rows of `left`, each once.
        position: int64 [p]: the place in `sampled` of each pair's row.
        partner: int64 [p]: the other row of each pair, of `Sides.other`.
    """

    sampled: IndexArray
    position: IndexArray
    partner: IndexArray

    @property
    def row(self) -> IndexArray:
        """The sampled row of each pair, int64 [p]."""
        rows: IndexArray = self.sampled[self.position]
        return rows

    def counts(self) -> IndexArray:
        """True pairs of every sampled row, int64 [s]."""
        return np.bincount(self.position, minlength=len(self.sampled))


def true_pairs(sides: Sides, sampled: IndexArray, floor: float) -> TruePairs:
    """Compare the sampled rows with every row, as an exact search does.

    Memory: the sampled rows and one block of 65,536 rows in a short format, their products block
    by block, and the pairs found.

    Args:
        sides: What is compared.
        sampled: Rows of `left`, each once.
        floor: Lowest similarity of a pair.
    """
    few = rounded_rows(
        ArrayVectors(sides.left.take(sampled)), fastest_dtype(sides.device), sides.device
    )
    positions, partners = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for first, block in sides.blocks():
        for position, place in product_candidates(few, block, floor, 0, len(sampled)):
            partner = place + first
            if sides.right is None:
                apart = sampled[position] != partner
                position, partner = position[apart], partner[apart]
            similarity = similarities(sides, sampled[position], partner)
            reached = similarity.astype(np.float64) >= floor
            positions.append(position[reached])
            partners.append(partner[reached])
    return TruePairs(sampled, np.concatenate(positions), np.concatenate(partners))


def similarities(sides: Sides, row: IndexArray, partner: IndexArray) -> FloatArray:
    """What decides: the float64 similarity of each pair, rounded once, float32 [p]."""
    rounded: FloatArray = gathered_similarities(sides.left, row, sides.other, partner).astype(
        np.float32
    )
    return rounded
