"""The true pairs of a few rows, found exactly: what an approximate search is measured against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.approximate_rows import ShortRows
from isekai_gen.neighbors.engines import IndexPairs, product_candidates
from isekai_gen.neighbors.rounding import RoundedRows
from isekai_gen.neighbors.similarity import IndexArray, gathered_similarities
from isekai_gen.neighbors.vectors import Vectors

_BLOCK_ROWS = 16384
_SCORED_TOGETHER = 1 << 16


@dataclass(frozen=True, eq=False)
class Sides:
    """What is compared with what.

    Attributes:
        left: n rows.
        right: m rows; None for pairs within `left`.
        device: "cpu" or "cuda:0".
        rounded: The rows of `other` in a short format, where a GPU holds them already.
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
        return ShortRows(self.other, self.device, self.rounded).blocks(_BLOCK_ROWS)


@dataclass(frozen=True, eq=False)
class TruePairs:
    """All pairs at or above a floor that some rows of `left` are in.

    Attributes:
        sampled: int64 [s]: the rows of `left`.
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

    def together_with(self, more: TruePairs) -> TruePairs:
        """The pairs of these rows and of others; rows and pairs of both come twice."""
        return TruePairs(
            np.concatenate([self.sampled, more.sampled]),
            np.concatenate([self.position, more.position + len(self.sampled)]),
            np.concatenate([self.partner, more.partner]),
        )


def true_pairs(sides: Sides, sampled: IndexArray, floor: float) -> TruePairs:
    """Compare the sampled rows with every row, as an exact search does.

    Memory: in a short format the sampled rows and a block of 16,384 rows, their products block by
    block, and the pairs found.

    Args:
        sides: What is compared.
        sampled: Rows of `left`, each once.
        floor: Lowest similarity of a pair.
    """
    few = ShortRows(sides.left, sides.device).chosen(sampled)
    positions, partners = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for first, block in sides.blocks():
        for position, place in _in_batches(product_candidates(few, block, floor, 0, len(sampled))):
            partner = place + first
            if sides.right is None:
                apart = sampled[position] != partner
                position, partner = position[apart], partner[apart]
            similarity = similarities(sides, sampled[position], partner)
            reached = similarity.astype(np.float64) >= floor
            positions.append(position[reached])
            partners.append(partner[reached])
    return TruePairs(sampled, np.concatenate(positions), np.concatenate(partners))


def _in_batches(found: Iterator[IndexPairs]) -> Iterator[IndexPairs]:
    """The same pairs, more together: to score few takes as long for the calls as for the sums."""
    first, second, held = list[IndexArray](), list[IndexArray](), 0
    for i, j in found:
        first.append(i)
        second.append(j)
        held += len(i)
        if held >= _SCORED_TOGETHER:
            yield np.concatenate(first), np.concatenate(second)
            first, second, held = [], [], 0
    if held:
        yield np.concatenate(first), np.concatenate(second)


def similarities(sides: Sides, row: IndexArray, partner: IndexArray) -> FloatArray:
    """What decides: the float64 similarity of each pair, rounded once, float32 [p]."""
    rounded: FloatArray = gathered_similarities(sides.left, row, sides.other, partner).astype(
        np.float32
    )
    return rounded
