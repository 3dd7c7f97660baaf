"""Candidates from cells: rows near one center are compared with each other by blocked products.

A pair is missed only where a border between cells runs between its rows. So rows near a border also
visit the cells beyond it: every cell whose center is nearly as similar as the nearest one. How
nearly is the level of effort.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.neighbors.approximate_centers import block_rows, highest_places, train_centers
from isekai_gen.neighbors.approximate_method import Trial
from isekai_gen.neighbors.approximate_places import Assignment, assign, shortfall
from isekai_gen.neighbors.approximate_rows import ShortRows, matrix_blocks
from isekai_gen.neighbors.engines import product_candidates
from isekai_gen.neighbors.recall_truth import TruePairs
from isekai_gen.neighbors.similarity import IndexArray

if TYPE_CHECKING:
    import torch

# How much less similar than the nearest center that of a visited cell may be. Embeddings of one
# encoder have similarities to centers within about 0.5 of each other, so 0.5 is nearly all cells.
_REACHES = (0.0, 1 / 256, 1 / 128, 1 / 64, 1 / 32, 3 / 64, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
# At 1,000,000 rows and a recall of 0.99, 3,000 cells took fewer products than 2,000 (whose borders
# need more visits) or 6,000 (where comparing with the centers takes most).
_CELLS_PER_ROOT = 3.0
_FEWEST_ROWS_PER_CELL = 8
_COST_SAMPLE = 4096
# To bring a row to a cell that it visits takes as long as so many products.
_PRODUCTS_PER_VISIT = 400
# So many visits take 128 bytes per row.
_MOST_VISITS = 32


@dataclass(frozen=True, eq=False)
class CellJoin:
    """Pairs of rows that share a cell, one of them at home there.

    Memory on a CPU beside the rows given: the centers; 4 bytes per row and per visit, of which a
    row has at most 32 on average; in a short format, the rows of one cell and its visitors. A GPU
    holds all rows in a short format.

    Attributes:
        left: n rows.
        right: m rows; None for pairs within `left`.
        floor: Lowest similarity of a pair.
        centers: [k, d], as the rows.
        seconds_per_product: What one product of two rows takes in large blocks.
    """

    left: ShortRows
    right: ShortRows | None
    floor: float
    centers: torch.Tensor
    seconds_per_product: float

    @property
    def counts_work(self) -> bool:
        """True; see `CandidateMethod`."""
        return True

    @property
    def other(self) -> ShortRows:
        """What the rows of `left` are compared with."""
        return self.left if self.right is None else self.right

    def describe(self, level: int) -> str:
        """For people, with its settings."""
        short = str(self.centers.dtype).removeprefix("torch.")
        return (
            f"{len(self.centers):,} cells, reach {_REACHES[level]:.4g}, {short} blocks on "
            f"{self.centers.device}"
        )

    def trials(self, pairs: TruePairs, first: int) -> Iterator[Trial]:
        """How the levels from `first` on would do; see `CandidateMethod`."""
        needed = self._needed_reach(pairs.row, pairs.partner)
        for level in range(first, len(_REACHES)):
            products, visits = self._effort(level)
            if visits > _MOST_VISITS:
                return
            yield Trial(needed <= _REACHES[level], products * self.seconds_per_product)

    def _needed_reach(self, row: IndexArray, partner: IndexArray) -> np.ndarray:
        """The smallest reach at which either row of a pair is seen in the other's home."""
        needed = np.zeros(len(row), dtype=np.float32)
        step = block_rows(self.centers)
        for start in range(0, len(row), step):
            part = slice(start, start + step)
            products = [
                side.chosen(rows[part]).matrix @ self.centers.T
                for side, rows in ((self.left, row), (self.other, partner))
            ]
            homes = [highest_places(each) for each in products]
            short = [shortfall(products[0], homes[0], homes[1])]
            short.append(shortfall(products[1], homes[1], homes[0]))
            needed[part] = np.minimum(*short)
        return needed

    def _effort(self, level: int) -> tuple[float, float]:
        """Work of a level as products of two rows, and visits of a row, from a sample of rows."""
        count, others = len(self.left), len(self.other)
        sample = self.left.chosen(np.arange(0, count, max(1, count // _COST_SAMPLE)))
        blocks = ((0, each) for each in matrix_blocks(sample.matrix, block_rows(self.centers)))
        found = assign(blocks, self.centers, _REACHES[level])
        drawn = len(sample.matrix)
        homes, visits = found.homes.sizes / drawn, found.visits.sizes / drawn
        # Without each sampled row with itself, which would weigh too much.
        together = max(0.0, float((homes**2).sum()) - 1.0 / drawn)
        crossing, each = float((homes * visits).sum()), float(visits.sum())
        per_row = len(self.centers) + each * _PRODUCTS_PER_VISIT
        if self.right is None:
            products = count * (per_row + count * (together + crossing))
        else:
            products = (count + others) * per_row
            products += float(count) * others * (together + 2.0 * crossing)
        return products, each

    def candidates(self, level: int) -> Iterator[tuple[int, IndexArray, IndexArray]]:
        """Rows done, and candidates; see `CandidateMethod`."""
        left = self._assigned(self.left, level)
        right = left if self.right is None else self._assigned(self.right, level)
        for cell in range(len(self.centers)):
            at_home = left.homes.of(cell)
            done = len(at_home)
            for i, j in self._within_cell(left, right, cell):
                yield done, i, j
                done = 0
            if done:
                nothing = np.zeros(0, dtype=np.int64)
                yield done, nothing, nothing

    def _assigned(self, side: ShortRows, level: int) -> Assignment:
        step = block_rows(self.centers)
        blocks = ((start, rows.matrix) for start, rows in side.blocks(step))
        return assign(blocks, self.centers, _REACHES[level])

    def _within_cell(
        self, left: Assignment, right: Assignment, cell: int
    ) -> Iterator[tuple[IndexArray, IndexArray]]:
        homes, visits = left.homes.of(cell), left.visits.of(cell)
        every = np.concatenate([homes, visits])
        if self.right is not None:
            hosts, visitors = right.homes.of(cell), right.visits.of(cell)
            for i, j in self._compared(every, hosts):
                yield every[i], hosts[j]
            for i, j in self._compared(homes, visitors):
                yield homes[i], visitors[j]
            return
        for i, j in self._compared(every, homes):
            once = (i >= len(homes)) | (i < j)
            row, partner = every[i[once]], homes[j[once]]
            yield np.minimum(row, partner), np.maximum(row, partner)

    def _compared(
        self, row: IndexArray, partner: IndexArray
    ) -> Iterator[tuple[IndexArray, IndexArray]]:
        """Places in both of rows that may be as similar as the floor."""
        if not len(row) or not len(partner):
            return
        few, others = self.left.filled_up(row), self.other.filled_up(partner)
        for i, j in product_candidates(few, others, self.floor, 0, len(few.matrix)):
            there = (i < len(row)) & (j < len(partner))
            yield i[there], j[there]


def build_cells(
    left: ShortRows,
    right: ShortRows | None,
    floor: float,
    *,
    seed: int,
    seconds_per_product: float,
) -> CellJoin:
    """Choose centers for the rows that are searched.

    Args:
        left: n rows.
        right: m rows; None for pairs within `left`.
        floor: Lowest similarity of a pair.
        seed: Of the k-means.
        seconds_per_product: What one product of two rows takes.
    """
    other = left if right is None else right
    count = len(other)
    cells = min(round(_CELLS_PER_ROOT * count**0.5), count // _FEWEST_ROWS_PER_CELL)
    centers = train_centers(other, max(1, cells), seed)
    return CellJoin(left, right, floor, centers, seconds_per_product)
