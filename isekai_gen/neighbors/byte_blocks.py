"""Propose candidate pairs by blocked products of 8-bit integers on the CPU.

Processors with AMX or AVX-512 VNNI multiply bytes at twice the rate of bfloat16, and sums of bytes
are exact. What the rounding to 8 bits may move is in the margin (`integer_rows`).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.neighbors.integer_rows import IntegerRows, integer_margin
from isekai_gen.neighbors.rounding import fastest_dtype, product_seconds
from isekai_gen.neighbors.similarity import IndexArray

if TYPE_CHECKING:
    pass

IndexPairs = tuple[IndexArray, IndexArray]
_TILE_ROWS = 1024
_TILE_COLUMNS = 4096
# Bytes need a rotation and let more candidates through: they must be faster by more than a little.
_LEAST_GAIN = 1.25
_TRIED_ROWS, _TRIED_DIMENSIONS = 1024, 512


def byte_candidates(
    left: IntegerRows, right: IntegerRows | None, floor: float, start: int, stop: int
) -> Iterator[IndexPairs]:
    """Pairs whose similarity may reach the floor; none that does is missed.

    Args:
        left: n rows.
        right: m rows; None for pairs within `left`, each once with the lower row first.
        floor: Lowest similarity asked for.
        start: First place of `left` to compare; where a band begins.
        stop: Place after the last one; where a band ends.

    Yields:
        int64 arrays: rows of the vectors that `left` and `right` (or `left`) were made of.
    """
    import torch

    other = left if right is None else right
    low = floor - integer_margin(left, other)
    one, two = left.scales.numpy().astype(np.float64), other.scales.numpy().astype(np.float64)
    room = torch.empty(
        min(_TILE_ROWS, stop - start) * min(_TILE_COLUMNS, len(two)), dtype=torch.int32
    )
    for top in range(start, stop, _TILE_ROWS):
        rows = slice(top, min(top + _TILE_ROWS, stop))
        for edge in range(top if right is None else 0, len(two), _TILE_COLUMNS):
            columns = slice(edge, min(edge + _TILE_COLUMNS, len(two)))
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            products = room[: shape[0] * shape[1]].view(shape)
            torch._int_mm(left.matrix[rows], other.matrix[columns].T, out=products)
            within, across = _reaching(products.numpy(), one[rows], two[columns], low)
            if len(within):
                yield _original(left, right, within + top, across + edge)


def _reaching(
    products: np.ndarray, rows: np.ndarray, columns: np.ndarray, low: float
) -> IndexPairs:
    """Where scaled products are at or above `low`.

    Args:
        products: int32, shape (r, c).
        rows: Scales of the rows, float64, shape (r,).
        columns: Scales of the columns, float64, shape (c,).
        low: The limit.
    """
    # A product above zero that reaches the limit with its own scales reaches it with the largest.
    limit = low / (rows.max() * columns.max()) * (1.0 - 2.0**-20) if low > 0 else -np.inf
    hit = np.flatnonzero(products.max(axis=1) >= limit)
    if not len(hit):
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing
    scaled = products[hit] * rows[hit, None] * columns
    within, across = np.nonzero(scaled >= low)
    return hit[within], across


def _original(
    left: IntegerRows, right: IntegerRows | None, i: IndexArray, j: IndexArray
) -> IndexPairs:
    """The rows that places stand for; within one matrix each pair once, the lower row first."""
    rows = left.rows.numpy()
    if right is not None:
        return rows[i].astype(np.int64), right.rows.numpy()[j].astype(np.int64)
    ahead = i < j
    one, two = rows[i[ahead]].astype(np.int64), rows[j[ahead]].astype(np.int64)
    return np.minimum(one, two), np.maximum(one, two)


@functools.cache
def bytes_pay() -> bool:
    """Whether products of bytes are exact on this processor, and clearly faster than others.

    Without VNNI some libraries add pairs of products in 16 bits, which can overflow. Measured once,
    in well under a second.
    """
    if not _are_exact():
        return False
    shape = (_TRIED_ROWS, _TRIED_DIMENSIONS)
    return byte_seconds(*shape) * _LEAST_GAIN < product_seconds(fastest_dtype("cpu"), *shape)


def byte_seconds(rows: int, dimensions: int) -> float:
    """Seconds of one product of two int8 matrices [rows, dimensions] on the CPU; best of three."""
    import torch

    matrix = torch.ones((rows, dimensions), dtype=torch.int8)
    out = torch.empty((rows, rows), dtype=torch.int32)
    best = float("inf")
    for _ in range(4):  # the first also builds the kernel
        started = time.perf_counter()
        torch._int_mm(matrix, matrix.T, out=out)
        best = min(best, time.perf_counter() - started)
    return best


def _are_exact() -> bool:
    """Whether sums of the largest products come out right."""
    import torch

    if not hasattr(torch, "_int_mm"):
        return False
    signs = np.random.default_rng(0).choice([-127, 127], size=(64, _TRIED_DIMENSIONS))
    signs[:8], signs[8:16] = 127, -127
    matrix = torch.from_numpy(signs.astype(np.int8))
    expected = signs.astype(np.int64) @ signs.T.astype(np.int64)
    return bool(np.array_equal(torch._int_mm(matrix, matrix.T).numpy(), expected))
