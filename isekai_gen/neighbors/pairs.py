"""Similar pairs of rows, as arrays: what every search gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import InputError
from isekai_gen.neighbors.similarity import IndexArray


@dataclass(frozen=True, eq=False)
class PairList:
    """Pairs of rows with their similarity, sorted by (row_a, row_b), each pair once.

    Within one matrix row_a < row_b; between two, row_a is of the first and row_b of the second.

    Attributes:
        row_a: int64, shape (m,).
        row_b: int64, shape (m,).
        similarity: float32, shape (m,): the float64 similarity (`similarity`), rounded once.
    """

    row_a: IndexArray
    row_b: IndexArray
    similarity: FloatArray

    def __post_init__(self) -> None:
        shape = self.similarity.shape
        if len(shape) != 1 or self.row_a.shape != shape or self.row_b.shape != shape:
            raise ValueError(
                f"rows of shapes {self.row_a.shape}, {self.row_b.shape} do not match similarities "
                f"of shape {shape}"
            )
        if self.similarity.dtype != np.float32:
            raise ValueError(f"similarities must be float32, got {self.similarity.dtype}")
        ahead = (self.row_a[:-1] < self.row_a[1:]) | (
            (self.row_a[:-1] == self.row_a[1:]) & (self.row_b[:-1] < self.row_b[1:])
        )
        if not ahead.all():
            raise ValueError("pairs must be sorted by (row_a, row_b) without repeats")

    def __len__(self) -> int:
        return len(self.similarity)


def joined_pairs(parts: Iterable[tuple[IndexArray, IndexArray, FloatArray]]) -> PairList:
    """One sorted list of what parts of a search found; a pair found twice counts once."""
    found = list(parts)
    rows = np.zeros(0, dtype=np.int64)
    row_a = np.concatenate([rows, *(part[0] for part in found)])
    row_b = np.concatenate([rows, *(part[1] for part in found)])
    similarity = np.concatenate([rows.astype(np.float32), *(part[2] for part in found)])
    order = np.lexsort((row_b, row_a))
    row_a, row_b, similarity = row_a[order], row_b[order], similarity[order]
    first = np.ones(len(row_a), dtype=bool)
    first[1:] = (row_a[1:] != row_a[:-1]) | (row_b[1:] != row_b[:-1])
    return PairList(row_a[first], row_b[first], similarity[first])


def too_many_pairs(max_pairs: int, count: int, floor: float) -> InputError:
    """What to raise when more than `max_pairs` pairs of `count` rows reach the floor."""
    return InputError(
        f"over {max_pairs:,} pairs of {count:,} rows reach similarity {floor}; choose a higher "
        "floor or limit, or leave out rows that are equal to others"
    )
