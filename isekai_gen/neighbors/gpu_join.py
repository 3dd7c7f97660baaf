"""Propose candidate pairs on a GPU: fused Triton tiles, or plain torch where Triton is missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.neighbors.integer_rows import (
    COLUMN_STEP,
    IntegerRows,
    integer_margin,
    refined_margin,
    refined_products,
)
from isekai_gen.neighbors.rounding import RoundedRows, lowest_product, product_margin
from isekai_gen.neighbors.similarity import IndexArray

if TYPE_CHECKING:
    import torch

IndexPairs = tuple[IndexArray, IndexArray]
# What a launch covers stays in the second-level cache: 16,384 x 512 bytes, twice.
_LAUNCH_ROWS = 16384
_LAUNCH_COLUMNS = 32768
_GROUP = 8
FIRST_CAPACITY = 1 << 22
_PLAIN_ROWS = 4096
_PLAIN_COLUMNS = 16384


def has_triton() -> bool:
    """Whether the fused kernels can be used; looks without importing."""
    return importlib.util.find_spec("triton") is not None


@dataclass
class TileJoin:
    """Candidates by fused tiles of 8-bit products.

    Attributes:
        left: n rows.
        right: m rows; None for pairs within `left`.
        floor: Lowest similarity asked for.
        capacity: Candidates that fit the list on the device; grows where a band has more.
    """

    left: IntegerRows
    right: IntegerRows | None
    floor: float
    capacity: int = FIRST_CAPACITY

    def candidates(self, start: int, stop: int) -> IndexPairs:
        """Candidates of the places start..stop of `left` with all of `right`.

        Returns:
            int64 arrays of rows of the vectors that `left` and `right` were made of; within one
            matrix the lower row first. The order is not defined.
        """
        import torch

        while True:
            found = torch.empty((2, self.capacity), dtype=torch.int32, device=self._device)
            counter = torch.zeros(1, dtype=torch.int32, device=self._device)
            self._launch(start, stop, found, counter)
            count = int(counter)
            if count <= self.capacity:
                i, j = found[0, :count], found[1, :count]
                low = self.floor - refined_margin(self.left, self._other)
                reached = refined_products(self.left, i, self._other, j) >= low
                return self._original(i[reached], j[reached])
            self.capacity = 1 << (count - 1).bit_length()

    @property
    def _device(self) -> torch.device:
        return self.left.matrix.device

    @property
    def _other(self) -> IntegerRows:
        return self.left if self.right is None else self.right

    def _launch(self, start: int, stop: int, found: torch.Tensor, counter: torch.Tensor) -> None:
        from triton.tools.tensor_descriptor import TensorDescriptor

        from isekai_gen.neighbors import kernels

        other = self._other
        if not len(other.matrix):
            return  # Triton describes no empty matrix
        low = self.floor - integer_margin(self.left, other)
        side = kernels.TILE
        tiles = [
            TensorDescriptor.from_tensor(m, [side, COLUMN_STEP])
            for m in (self.left.matrix, other.matrix)
        ]
        count = len(other.matrix)
        for top in range(start, stop, _LAUNCH_ROWS):
            row_end = min(top + _LAUNCH_ROWS, stop)
            first = top // side * side if self.right is None else 0
            for edge in range(first, count, _LAUNCH_COLUMNS):
                column_end = min(edge + _LAUNCH_COLUMNS, count)
                rows, columns = -(-(row_end - top) // side), -(-(column_end - edge) // side)
                kernels.join_tiles[(rows * columns,)](
                    *tiles,
                    self.left.scales,
                    other.scales,
                    found[0],
                    found[1],
                    counter,
                    self.capacity,
                    low,
                    top,
                    edge,
                    row_end,
                    column_end,
                    rows,
                    columns,
                    WITHIN=self.right is None,
                    DIMENSIONS=self.left.matrix.shape[1],
                    STEP=COLUMN_STEP,
                    SIDE=side,
                    GROUP=_GROUP,
                    num_warps=kernels.WARPS,
                    num_stages=kernels.STAGES,
                )

    def _original(self, left: torch.Tensor, right: torch.Tensor) -> IndexPairs:
        import torch

        i = self.left.rows[left.long()]
        if self.right is not None:
            return _host(i), _host(self.right.rows[right.long()])
        j = self.left.rows[right.long()]
        return _host(torch.minimum(i, j)), _host(torch.maximum(i, j))


def plain_candidates(
    left: RoundedRows, right: RoundedRows | None, floor: float, start: int, stop: int
) -> Iterator[IndexPairs]:
    """The same by plain torch products of bfloat16 rows; see `blocks.block_candidates`."""
    import torch

    other = left if right is None else right
    low = lowest_product(floor, product_margin(left, other), left.matrix.dtype)
    for top in range(start, stop, _PLAIN_ROWS):
        rows = left.matrix[top : min(top + _PLAIN_ROWS, stop)]
        for edge in range(top if right is None else 0, len(other.matrix), _PLAIN_COLUMNS):
            products = rows @ other.matrix[edge : edge + _PLAIN_COLUMNS].T
            hits = torch.nonzero(products >= low)
            i, j = _host(hits[:, 0]) + top, _host(hits[:, 1]) + edge
            if right is None:
                ahead = i < j
                i, j = i[ahead], j[ahead]
            yield i, j


def _host(rows: torch.Tensor) -> IndexArray:
    return np.asarray(rows.cpu().numpy(), dtype=np.int64)
