"""Candidates of small searches by numpy alone: importing torch would take longer than they do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.similarity import (
    IndexArray,
    float32_below,
    float32_margin,
    unit_rows,
)
from isekai_gen.neighbors.vectors import Vectors

IndexPairs = tuple[IndexArray, IndexArray]
# Multiplications of a search that numpy's float32 products do in about a second on two cores.
_MOST_MULTIPLICATIONS = 1e11
_ROWS = 1024
_COLUMNS = 8192


def is_small(rows: int, others: int, dimensions: int) -> bool:
    """Whether a search is done by numpy in about the time that importing torch takes."""
    return float(rows) * others * dimensions <= _MOST_MULTIPLICATIONS


@dataclass(frozen=True, eq=False)
class SmallBlocks:
    """Blocked float32 products by numpy; see `engines.Engine`.

    Attributes:
        floor: Lowest similarity asked for.
        name: For people.
    """

    floor: float
    name: str = "float32 blocks by numpy"

    def row_bytes(self, dimensions: int) -> int:
        return 4 * dimensions

    def load(self, vectors: Vectors) -> FloatArray:
        """Unit rows, float32 [n, d]."""
        return loaded_units(vectors)

    def candidates(
        self, left: FloatArray, right: FloatArray | None, start: int, stop: int
    ) -> Iterator[IndexPairs]:
        other = left if right is None else right
        low = float32_below(self.floor - float32_margin(left.shape[1]))
        for top in range(start, stop, _ROWS):
            rows = left[top : min(top + _ROWS, stop)]
            for edge in range(top if right is None else 0, len(other), _COLUMNS):
                products = rows @ other[edge : edge + _COLUMNS].T
                # Scanning for the few hits costs half a product; a maximum per row far less.
                hit = np.flatnonzero(products.max(axis=1) >= low)
                within, across = np.nonzero(products[hit] >= low)
                i, j = hit[within] + top, across + edge
                if right is None:
                    ahead = i < j
                    i, j = i[ahead], j[ahead]
                yield i, j


def loaded_units(vectors: Vectors) -> FloatArray:
    """All rows scaled to unit length, float32 [n, d]; beside them a block is held."""
    units = np.empty(vectors.shape, dtype=np.float32)
    for start in range(0, len(units), _COLUMNS):
        block = vectors.block(start, start + _COLUMNS)
        units[start : start + len(block)] = unit_rows(block)
    return units
