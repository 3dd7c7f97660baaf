"""Propose candidate pairs by blocked products of 8-bit integers on the CPU.

Processors with AMX or AVX-512 VNNI multiply bytes at twice the rate of bfloat16, and sums of bytes
are exact. What the rounding to 8 bits may move is in the margin (`integer_rows`).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.integer_rows import IntegerRows, margin_of
from isekai_gen.neighbors.rounding import fastest_dtype, product_seconds
from isekai_gen.neighbors.similarity import IndexArray

if TYPE_CHECKING:
    import torch

IndexPairs = tuple[IndexArray, IndexArray]
_TILE_ROWS = 1024
_TILE_COLUMNS = 4096
# Rows are held in order of their scales, so that those of a run are nearly one.
_RUN = 256
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
    one, two = _Factors.of(left), _Factors.of(other)
    room = torch.empty(
        min(_TILE_ROWS, stop - start) * min(_TILE_COLUMNS, len(other.matrix)), dtype=torch.int32
    )
    for top in range(start, stop, _TILE_ROWS):
        rows = slice(top, min(top + _TILE_ROWS, stop))
        for edge in range(top if right is None else 0, len(other.matrix), _TILE_COLUMNS):
            columns = slice(edge, min(edge + _TILE_COLUMNS, len(other.matrix)))
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            products = room[: shape[0] * shape[1]].view(shape)
            torch._int_mm(left.matrix[rows], other.matrix[columns].T, out=products)
            for first, width in _runs(shape[1]):
                part = slice(edge + first, edge + first + width * ((shape[1] - first) // width))
                near = products[:, first : first + part.stop - part.start]
                within, across = _reaching(near, one.some(rows), two.some(part), floor, width)
                if len(within):
                    yield _original(left, right, within + top, across + part.start)


def _runs(columns: int) -> Iterator[tuple[int, int]]:
    """Where runs of equal width begin, and the width: whole ones, then what is left."""
    whole = columns // _RUN * _RUN
    if whole:
        yield 0, _RUN
    if columns > whole:
        yield whole, columns - whole


@dataclass(frozen=True, eq=False)
class _Factors:
    """What turns products of some rows into similarities.

    Attributes:
        scales: float64, shape (n,).
        moved: float32, shape (n,): how far the rounding may have moved each row.
    """

    scales: npt.NDArray[np.float64]
    moved: npt.NDArray[np.float32]

    @classmethod
    def of(cls, rows: IntegerRows) -> _Factors:
        """Those of all rows."""
        return cls(rows.scales.numpy().astype(np.float64), rows.moved_rows.numpy())

    def some(self, places: slice) -> _Factors:
        """Those of a tile."""
        return _Factors(self.scales[places], self.moved[places])


def _reaching(
    products: torch.Tensor, rows: _Factors, columns: _Factors, floor: float, width: int
) -> IndexPairs:
    """Where the products of a tile tell of a similarity that may reach the floor.

    Args:
        products: int32, shape (r, c).
        rows: Of r rows.
        columns: Of c columns.
        floor: Lowest similarity asked for.
        width: Columns of a run, which have one limit together; divides c.
    """
    runs = products.reshape(len(products), -1, width)
    p, q = rows.moved.astype(np.float64)[:, None], columns.moved.reshape(-1, width).max(axis=1)
    low = floor - margin_of(p, q.astype(np.float64))
    # A product above zero that reaches the limit by its column's scale does by the run's largest.
    largest = rows.scales[:, None] * columns.scales.reshape(-1, width).max(axis=1)
    limits = np.where(low > 0, np.floor(low / largest * (1.0 - 2.0**-20)), -np.inf)
    hit, run = np.nonzero(runs.amax(dim=2).numpy() >= limits)
    near = runs.numpy()[hit, run]
    which, column = np.nonzero(near >= limits[hit, run][:, None])
    within, across = hit[which], run[which] * width + column
    similar = near[which, column] * rows.scales[within] * columns.scales[across]
    reached = similar >= low[within, run[which]]
    return within[reached], across[reached]


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
