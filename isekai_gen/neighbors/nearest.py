"""The k most similar references of every query: exact, with ties decided by row or id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.errors import InputError
from isekai_gen.neighbors.bands import BAND_ROWS, ScoredPairs
from isekai_gen.neighbors.gpu_join import has_triton
from isekai_gen.neighbors.gpu_nearest import prepare_tiles
from isekai_gen.neighbors.integer_rows import padded_width
from isekai_gen.neighbors.nearest_band import NearestBand
from isekai_gen.neighbors.nearest_blocks import NearestBlocks
from isekai_gen.neighbors.pairs import PairList, joined_pairs
from isekai_gen.neighbors.portions import portion_sizes, rows_that_fit
from isekai_gen.neighbors.rounding import fastest_dtype, rounded_rows
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray
from isekai_gen.neighbors.small import is_small
from isekai_gen.neighbors.small_nearest import SmallNearest
from isekai_gen.neighbors.vectors import ArrayVectors, Portion, Vectors

_ABOVE_ALL = 2.0


@dataclass(frozen=True, eq=False)
class NearestRows:
    """The nearest references of every query.

    Attributes:
        rows: int64, shape (n, k): rows of the references, most similar first; of equally similar
            ones the lower row first.
        similarities: float64, shape (n, k).
        pairs: Every pair at or above the floor.
    """

    rows: IndexArray
    similarities: ScoreArray
    pairs: PairList


def search_nearest(
    queries: Vectors,
    references: Vectors,
    k: int,
    floor: float = _ABOVE_ALL,
    *,
    device: str = "cpu",
    advance: Callable[[int], None] = lambda _: None,
) -> NearestRows:
    """The k nearest references of each query, and all pairs at or above a floor, in one pass.

    The result depends on the vectors alone, to the bit: fast products propose every reference
    that can count, and these are scored in float64 (`similarity`). Neither matrix need fit the
    memory (`portions`).

    Args:
        queries: n rows.
        references: m rows of as many dimensions.
        k: 1 <= k <= m.
        floor: Lowest similarity of the pairs listed; above 1 lists none.
        device: "cpu" or "cuda:0".
        advance: Told of queries that are done, which sum up to n, and of 0 between.

    Raises:
        InputError: If the dimensions differ.
        ValueError: If k is out of range.
    """
    if queries.shape[1] != references.shape[1]:
        raise InputError(
            f"queries have {queries.shape[1]} dimensions, references {references.shape[1]}; "
            "embed both with one encoder"
        )
    if not 1 <= k <= references.shape[0]:
        raise ValueError(f"k must be in 1..{references.shape[0]} (the references), got {k}")
    count, others = queries.shape[0], references.shape[0]
    fitting = rows_that_fit(_row_bytes(queries.shape[1], device), device)
    sizes = portion_sizes(count, others, fitting, BAND_ROWS)
    best = _Best(np.full((count, k), -1, dtype=np.int64), np.full((count, k), -np.inf))
    pairs: list[ScoredPairs] = []
    for top in range(0, count, max(1, sizes.left)):
        some = Portion(queries, top, min(top + sizes.left, count))
        for edge in range(0, others, sizes.right):
            part = Portion(references, edge, min(edge + sizes.right, others))
            wanted = min(k, part.shape[0])
            for band in _bands(some, part, wanted, floor, device):
                best.take_in(
                    band.rows + top, band.nearest + edge, band.similarities, first=edge == 0
                )
                i, j, similarity = band.pairs
                pairs.append((i + top, j + edge, similarity))
                advance(len(band.rows) if part.stop == others else 0)
    return NearestRows(best.rows, best.similarities, joined_pairs(pairs))


def _row_bytes(dimensions: int, device: str) -> int:
    """What a loaded row takes, in the widest of the formats that `_bands` may choose."""
    return 4 * dimensions if device == "cpu" else 4 * dimensions + 2 * padded_width(dimensions) + 12


@dataclass(frozen=True, eq=False)
class _Best:
    """The nearest references of every query so far.

    Attributes:
        rows: int64, shape (n, k); -1 where there is none yet.
        similarities: float64, shape (n, k); then -infinity.
    """

    rows: IndexArray
    similarities: ScoreArray

    def take_in(
        self, queries: IndexArray, rows: IndexArray, similarities: ScoreArray, *, first: bool
    ) -> None:
        """Take in the nearest references of some queries in one more portion.

        Args:
            queries: int64, shape (b,).
            rows: int64, shape (b, c), c <= k; most similar first.
            similarities: float64, shape (b, c).
            first: Whether these queries have none yet.
        """
        if first:
            self.rows[queries, : rows.shape[1]] = rows
            self.similarities[queries, : rows.shape[1]] = similarities
            return
        rows = np.concatenate([self.rows[queries], rows], axis=1)
        similarities = np.concatenate([self.similarities[queries], similarities], axis=1)
        # Of equally similar ones the lower row first, as within a portion.
        order = np.lexsort((rows, -similarities), axis=1)[:, : self.rows.shape[1]]
        self.rows[queries] = np.take_along_axis(rows, order, axis=1)
        self.similarities[queries] = np.take_along_axis(similarities, order, axis=1)


def _bands(
    queries: Vectors, references: Vectors, k: int, floor: float, device: str
) -> Iterator[NearestBand]:
    others = references.shape[0]
    if device == "cpu" and is_small(queries.shape[0], others, queries.shape[1]):
        return SmallNearest(queries, references, k, floor).bands()
    if device != "cpu" and has_triton():
        return prepare_tiles(queries, references, k, floor, device).bands()
    dtype = fastest_dtype(device)
    left, right = rounded_rows(queries, dtype, device), rounded_rows(references, dtype, device)
    return NearestBlocks(queries, references, left, right, k, floor).bands()


def nearest_rows(
    queries: EmbeddingTable, references: EmbeddingTable, k: int
) -> tuple[IndexArray, ScoreArray]:
    """The k nearest references of each query, most similar first.

    Of equally similar references the one with the lower id comes first.

    Args:
        queries: n embeddings.
        references: m embeddings of the same encoder.
        k: 1 <= k <= m.

    Returns:
        Row numbers in `references`, int64 [n, k], and their similarities, float64 [n, k].

    Raises:
        ValueError: If the encoders or the dimensions differ, or k is out of range.
    """
    if queries.encoder != references.encoder:
        raise ValueError(
            f"embeddings of encoder {queries.encoder!r} cannot be compared with those of "
            f"{references.encoder!r}; embed both with one encoder"
        )
    by_id = np.array(sorted(range(len(references)), key=references.ids.__getitem__), dtype=np.int64)
    found = search_nearest(
        ArrayVectors(queries.vectors), ArrayVectors(references.vectors[by_id]), k
    )
    return by_id[found.rows], found.similarities
