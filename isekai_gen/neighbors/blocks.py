"""Propose candidate pairs by blocked products on the CPU.

Nearly all blocks hold no candidate, so the time beside the product goes into seeing that: the
highest number of a block is found over 16-bit integers, whose order is that of positive bfloat16
numbers, and only blocks and rows that reach the limit are looked at closely.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.neighbors.rounding import RoundedRows, lowest_product, product_margin
from isekai_gen.neighbors.similarity import IndexArray

if TYPE_CHECKING:
    import torch

IndexPairs = tuple[IndexArray, IndexArray]
TILE_ROWS = 1024
# A block of products, 8 MiB in bfloat16, stays in the cache until it has been looked at.
_TILE_COLUMNS = 4096


def block_candidates(
    left: RoundedRows, right: RoundedRows | None, floor: float, start: int, stop: int
) -> Iterator[IndexPairs]:
    """Pairs whose similarity may reach the floor; none that does is missed.

    Args:
        left: n rows.
        right: m rows; None for pairs within `left`, each once with the lower row first.
        floor: Lowest similarity asked for.
        start: First row of `left` to compare.
        stop: Row of `left` after the last one.

    Yields:
        int64 arrays: rows of `left` and of `right` (or `left`).
    """
    import torch

    other = left if right is None else right
    dtype = left.matrix.dtype
    low = lowest_product(floor, product_margin(left, other), dtype)
    room = torch.empty(
        min(TILE_ROWS, stop - start) * min(_TILE_COLUMNS, len(other.matrix)), dtype=dtype
    )
    for top in range(start, stop, TILE_ROWS):
        rows = left.matrix[top : min(top + TILE_ROWS, stop)]
        for edge in range(top if right is None else 0, len(other.matrix), _TILE_COLUMNS):
            columns = other.matrix[edge : edge + _TILE_COLUMNS]
            products = room[: len(rows) * len(columns)].view(len(rows), len(columns))
            torch.mm(rows, columns.T, out=products)
            within, across = _reaching(products, low)
            if not len(within):
                continue
            i, j = within + top, across + edge
            if right is None:
                ahead = i < j
                i, j = i[ahead], j[ahead]
            yield i, j


def _reaching(products: torch.Tensor, low: float) -> IndexPairs:
    """Where a block is at or above `low`, row by row."""
    import torch

    if products.dtype is torch.bfloat16 and low > 0:
        # Among numbers above zero, bfloat16 and its bits as an integer have one order; every
        # negative number is a negative integer.
        limit = int(torch.tensor(low, dtype=torch.bfloat16).view(torch.int16))
        numbers = products.view(torch.int16).numpy()
    else:
        limit, numbers = low, products.float().numpy()  # type: ignore[assignment]
    highest = numbers.max(axis=1)
    hit = np.flatnonzero(highest >= limit)
    if not len(hit):
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing
    within, across = np.nonzero(numbers[hit] >= limit)
    return hit[within], across
