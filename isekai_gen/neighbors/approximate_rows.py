"""Unit rows in a short format, block by block or as they are named, never all at once on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.neighbors.rounding import RoundedRows, fastest_dtype, rounded_rows
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.neighbors.vectors import ChosenRows, Portion, Vectors

if TYPE_CHECKING:
    import torch

# Products on a CPU build and keep a kernel for every shape of a matrix that they meet, which takes
# longer than small products themselves and some 0.7 MiB each. So there are few numbers of rows:
# multiples of this, and from 512 on four to each doubling.
_LEAST_STEP = 64


@dataclass(frozen=True, eq=False)
class ShortRows:
    """One matrix in the format whose products are fastest.

    A CPU makes rows when they are asked for: that takes less than a product of each with 1,000
    others, and a copy of all would be half as large as float32 rows. A GPU holds them.

    Attributes:
        vectors: n rows.
        device: "cpu" or "cuda:0".
        held: All rows on a GPU; None on a CPU.
    """

    vectors: Vectors
    device: str
    held: RoundedRows | None = None

    def __len__(self) -> int:
        return self.vectors.shape[0]

    def blocks(self, step: int) -> Iterator[tuple[int, RoundedRows]]:
        """All rows, so many at a time, with the first row of each block."""
        for start in range(0, len(self), step):
            stop = min(start + step, len(self))
            if self.held is None:
                yield start, self._made(Portion(self.vectors, start, stop))
            else:
                yield start, RoundedRows(self.held.matrix[start:stop], self.held.moved)

    def chosen(self, rows: IndexArray) -> RoundedRows:
        """The rows named, in their order."""
        import torch

        if self.held is None:
            return self._made(ChosenRows(self.vectors, rows))
        places = torch.from_numpy(rows).to(self.device)
        return RoundedRows(self.held.matrix.index_select(0, places), self.held.moved)

    def filled_up(self, rows: IndexArray) -> RoundedRows:
        """The rows named, and the first of them again up to one of a few numbers of rows.

        Args:
            rows: At least one.
        """
        step = max(_LEAST_STEP, 1 << max(0, len(rows).bit_length() - 3))
        again = np.full(-len(rows) % step, rows[0])
        return self.chosen(np.concatenate([rows, again]))

    def _made(self, vectors: Vectors) -> RoundedRows:
        return rounded_rows(vectors, fastest_dtype(self.device), self.device)


def short_rows(vectors: Vectors, device: str) -> ShortRows:
    """Rows that are held on a GPU (n * d numbers there), or made when they are needed."""
    if device == "cpu":
        return ShortRows(vectors, device)
    return ShortRows(vectors, device, rounded_rows(vectors, fastest_dtype(device), device))


def matrix_blocks(matrix: torch.Tensor, step: int) -> Iterator[torch.Tensor]:
    """Successive rows of a matrix, so many at a time."""
    for start in range(0, len(matrix), step):
        yield matrix[start : start + step]
