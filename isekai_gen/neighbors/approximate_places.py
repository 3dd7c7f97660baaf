"""Where rows lie among centers: at home with the nearest one, and on visit at others close by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.approximate_centers import highest_places
from isekai_gen.neighbors.similarity import IndexArray

if TYPE_CHECKING:
    import torch


# Rows that are put in order of their cells together.
_GROUP_ROWS = 65536


@dataclass(frozen=True, eq=False)
class Places:
    """Rows by cell, in groups of rows that were put in order together: 4 bytes each.

    Attributes:
        rows: Of each group, int32 [p], ordered by cell.
        ends: Of each group, int64 [k + 1]: rows[ends[c]:ends[c + 1]] are in cell c.
    """

    rows: list[npt.NDArray[np.int32]]
    ends: list[IndexArray]

    def of(self, cell: int) -> IndexArray:
        """The rows in a cell, ascending, int64."""
        groups = zip(self.rows, self.ends, strict=True)
        parts = [rows[ends[cell] : ends[cell + 1]] for rows, ends in groups]
        return np.concatenate(parts, dtype=np.int64)

    @property
    def sizes(self) -> IndexArray:
        """Rows in each cell, int64 [k]."""
        sizes: IndexArray = np.diff(np.sum(self.ends, axis=0))
        return sizes


@dataclass(frozen=True, eq=False)
class Assignment:
    """Where the rows of one matrix are.

    Attributes:
        homes: The cell of each row's nearest center; each row once.
        visits: Further cells within reach; each row any number of times.
    """

    homes: Places
    visits: Places


def assign(
    blocks: Iterable[tuple[int, torch.Tensor]], centers: torch.Tensor, reach: float
) -> Assignment:
    """Compare rows with all centers.

    Args:
        blocks: Rows, in the format of the centers and on their device, with the first row of each
            block; at least one.
        centers: [k, d].
        reach: How much less similar than the nearest center that of a visited cell may be.
    """
    homes, visits = Places([], []), Places([], [])
    waiting, rows = list[_Block](), 0
    for start, block in blocks:
        waiting.append(_placed(start, block @ centers.T, reach))
        rows += len(block)
        if rows >= _GROUP_ROWS:
            _put(waiting, homes, visits, len(centers))
            waiting, rows = [], 0
    _put(waiting, homes, visits, len(centers))
    return Assignment(homes, visits)


@dataclass(frozen=True, eq=False)
class _Block:
    """Rows with their home, and rows that visit with the cell they visit; all int64."""

    row: IndexArray
    home: IndexArray
    visiting: IndexArray
    visited: IndexArray


def _placed(start: int, products: torch.Tensor, reach: float) -> _Block:
    home = highest_places(products)
    row = np.arange(start, start + len(home), dtype=np.int64)
    if reach == 0:
        nothing = np.zeros(0, dtype=np.int64)
        return _Block(row, home, nothing, nothing)
    place, cell = _within_reach(products, home, reach)
    return _Block(row, home, place + start, cell)


def _put(blocks: list[_Block], homes: Places, visits: Places, count: int) -> None:
    """Add a group of rows to the places, if there is one."""
    if not blocks:
        return
    _add_group(homes, [each.row for each in blocks], [each.home for each in blocks], count)
    _add_group(visits, [each.visiting for each in blocks], [each.visited for each in blocks], count)


def _add_group(places: Places, rows: list[IndexArray], cells: list[IndexArray], count: int) -> None:
    cell = np.concatenate(cells)
    order = np.argsort(cell, kind="stable")
    places.rows.append(np.concatenate(rows)[order].astype(np.int32))
    sizes = np.bincount(cell, minlength=count)
    places.ends.append(np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)]))


def shortfall(products: torch.Tensor, home: IndexArray, cell: IndexArray) -> np.ndarray:
    """How much less similar a cell's center is than that of a row's home, float32 [rows].

    Args:
        products: [rows, k]: of rows with all centers.
        home: int64 [rows].
        cell: int64 [rows].
    """
    import torch

    at = [torch.from_numpy(each)[:, None].to(products.device) for each in (home, cell)]
    nearest, there = (products.gather(1, each)[:, 0].float() for each in at)
    short: np.ndarray = (nearest - there).cpu().numpy()
    return short


def _within_reach(
    products: torch.Tensor, homes: IndexArray, reach: float
) -> tuple[IndexArray, IndexArray]:
    """Rows and the cells beside their home whose centers are within reach."""
    import torch

    places = torch.from_numpy(homes)[:, None].to(products.device)
    nearest = products.gather(1, places)
    near = products >= (nearest.float() - reach).to(products.dtype)
    near.scatter_(1, places, value=False)
    row, cell = torch.nonzero(near, as_tuple=True)
    return np.asarray(row.cpu().numpy()), np.asarray(cell.cpu().numpy())
