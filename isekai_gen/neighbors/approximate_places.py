"""Where rows lie among centers: at home with the nearest one, and on visit at others close by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.neighbors.approximate_centers import block_rows, highest_places
from isekai_gen.neighbors.rounding import RoundedRows
from isekai_gen.neighbors.similarity import IndexArray

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Places:
    """Rows by cell.

    Attributes:
        rows: int64 [p], ordered by cell.
        ends: int64 [k + 1]: rows[ends[c]:ends[c + 1]] are in cell c.
    """

    rows: IndexArray
    ends: IndexArray

    def of(self, cell: int) -> IndexArray:
        """The rows in a cell, ascending."""
        rows: IndexArray = self.rows[self.ends[cell] : self.ends[cell + 1]]
        return rows

    @property
    def sizes(self) -> IndexArray:
        """Rows in each cell, int64 [k]."""
        return self.ends[1:] - self.ends[:-1]


@dataclass(frozen=True, eq=False)
class Assignment:
    """Where the rows of one matrix are.

    Attributes:
        homes: The cell of each row's nearest center; each row once.
        visits: Further cells within reach; each row any number of times.
    """

    homes: Places
    visits: Places


def assign(rows: RoundedRows, centers: torch.Tensor, reach: float) -> Assignment:
    """Compare rows with all centers.

    Args:
        rows: n rows.
        centers: [k, d], in the rows' format and on their device.
        reach: How much less similar than the nearest center that of a visited cell may be.
    """
    homes = [np.zeros(0, dtype=np.int64)]
    visits = [np.zeros((2, 0), dtype=np.int64)]
    step = block_rows(centers)
    for start in range(0, len(rows.matrix), step):
        products = rows.matrix[start : start + step] @ centers.T
        homes.append(highest_places(products))
        if reach > 0:
            row, cell = _within_reach(products, homes[-1], reach)
            visits.append(np.stack([row + start, cell]))
    home = np.concatenate(homes)
    visiting, visited = np.concatenate(visits, axis=1)
    every = np.arange(len(home), dtype=np.int64)
    count = len(centers)
    return Assignment(_by_cell(every, home, count), _by_cell(visiting, visited, count))


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


def _by_cell(rows: IndexArray, cells: IndexArray, count: int) -> Places:
    order = np.argsort(cells, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(cells, minlength=count))])
    return Places(rows[order], ends)
