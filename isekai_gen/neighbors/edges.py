"""All pairs of images at or above a similarity floor: complete, and the same to the bit everywhere.

Candidates come from a fast float32 search (`candidates`), every one is scored again in float64
(`similarity`). Which pairs count as duplicates is decided elsewhere.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.errors import InputError
from isekai_gen.neighbors.candidates import candidates_by_blocks, candidates_by_faiss
from isekai_gen.neighbors.similarity import (
    IndexArray,
    ScoreArray,
    indexed_similarities,
    unit_rows,
)

Search = Literal["blocks", "faiss"]
_SEARCHES = {"blocks": candidates_by_blocks, "faiss": candidates_by_faiss}
_Scored = tuple[IndexArray, IndexArray, ScoreArray]


@dataclass(frozen=True, eq=False)
class EdgeList:
    """Pairs of images with their similarity, sorted by (first, second).

    Attributes:
        first: Image ids, m of them.
        second: Image ids; first < second in every pair (string order).
        similarity: float64, shape (m,), in [floor, 1].
        floor: No listed pair lies below it.
        complete: Whether every pair of the searched images at or above the floor is listed.
        encoder: Identity of the encoder.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    similarity: ScoreArray
    floor: float
    complete: bool
    encoder: str

    def __post_init__(self) -> None:
        if self.similarity.shape != (len(self.first),) or len(self.first) != len(self.second):
            raise ValueError(
                f"{len(self.first)} first and {len(self.second)} second ids do not match "
                f"similarities of shape {self.similarity.shape}"
            )
        if self.similarity.dtype != np.float64:
            raise ValueError(f"similarities must be float64, got {self.similarity.dtype}")
        _check_floor(self.floor)
        if not np.all((self.similarity >= self.floor) & (self.similarity <= 1.0)):
            raise ValueError(f"a similarity lies outside [{self.floor}, 1]")
        if any(a >= b for a, b in zip(self.first, self.second, strict=True)):
            raise ValueError("a pair does not name two images in ascending order")
        pairs = zip(self.first, self.second, strict=True)
        if any(one >= other for one, other in itertools.pairwise(pairs)):
            raise ValueError("pairs must be sorted by (first, second) without repeats")

    def __len__(self) -> int:
        return len(self.first)


def find_edges(
    table: EmbeddingTable,
    floor: float,
    search: Search = "blocks",
    *,
    block_rows: int = 1024,
    max_edges: int = 20_000_000,
) -> EdgeList:
    """All pairs of rows with similarity >= `floor`.

    The result depends on ids and vectors alone: not on row order, search or block size.

    Args:
        table: Embeddings.
        floor: Lowest similarity listed, in [-1, 1].
        search: "blocks" (numpy) or "faiss" (needs isekai-gen[cpu] or [gpu]).
        block_rows: Rows searched at a time; bounds memory.
        max_edges: More pairs than this are refused rather than filling the memory.

    Raises:
        InputError: If more than `max_edges` pairs reach the floor.
        MissingDependencyError: If search is "faiss" and faiss is not installed.
        ValueError: If the floor, the search or `block_rows` is not allowed.
    """
    _check_floor(floor)
    if search not in _SEARCHES:
        raise ValueError(f"search must be one of {sorted(_SEARCHES)}, got {search!r}")
    if block_rows < 1:
        raise ValueError(f"block_rows must be at least 1, got {block_rows}")
    # Rows in ascending order of id make i < j the same as first < second.
    ordered = table.select(sorted(table.ids))
    room, found = max_edges, list[_Scored]()
    for i, j in _SEARCHES[search](unit_rows(ordered.vectors), floor, block_rows):
        scores = indexed_similarities(ordered.vectors, i, ordered.vectors, j)
        reached = scores >= floor
        found.append((i[reached], j[reached], scores[reached]))
        room -= len(found[-1][0])
        if room < 0:
            raise _too_many(max_edges, len(table), floor)
    return _sorted_edges(ordered, floor, found)


def _too_many(max_edges: int, images: int, floor: float) -> InputError:
    return InputError(
        f"over {max_edges:,} pairs of {images:,} images reach similarity {floor}; "
        "choose a higher floor"
    )


def _sorted_edges(ordered: EmbeddingTable, floor: float, found: list[_Scored]) -> EdgeList:
    empty = np.zeros(0, dtype=np.int64)
    i = np.concatenate([empty, *(part[0] for part in found)])
    j = np.concatenate([empty, *(part[1] for part in found)])
    scores = np.concatenate([empty.astype(np.float64), *(part[2] for part in found)])
    order = np.lexsort((j, i))
    return EdgeList(
        first=tuple(ordered.ids[row] for row in i[order]),
        second=tuple(ordered.ids[row] for row in j[order]),
        similarity=scores[order],
        floor=float(floor),
        complete=True,
        encoder=ordered.encoder,
    )


def _check_floor(floor: float) -> None:
    if not (math.isfinite(floor) and -1.0 <= floor <= 1.0):
        raise ValueError(f"floor must be a similarity in [-1, 1], got {floor}")
