"""Similar pairs of images by id, with what is known of their completeness."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.intervals import Interval
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.search import SearchOptions, SearchReport, search_pairs
from isekai_gen.neighbors.vectors import ArrayVectors


@dataclass(frozen=True, eq=False)
class EdgeList:
    """Pairs of images with their similarity.

    Attributes:
        ids: The images that were searched, in ascending order; rows of `pairs` count from here.
        pairs: Of rows of `ids`.
        floor: No listed pair lies below it.
        encoder: Identity of what the similarity was measured by.
        recall: Measured share of the pairs at or above the floor that are listed; None if all are.
    """

    ids: tuple[str, ...]
    pairs: PairList
    floor: float
    encoder: str
    recall: Interval | None = None

    def __post_init__(self) -> None:
        check_floor(self.floor)
        if any(one >= other for one, other in zip(self.ids, self.ids[1:], strict=False)):
            raise ValueError("ids must ascend without repeats")
        if len(self.pairs):
            if not (self.pairs.row_a < self.pairs.row_b).all():
                raise ValueError("a pair does not name two images in ascending order")
            if self.pairs.row_a[0] < 0 or self.pairs.row_b.max() >= len(self.ids):
                raise ValueError("a pair names a row that is not there")
            similarity = self.pairs.similarity.astype(np.float64)
            if not ((similarity >= self.floor) & (similarity <= 1.0)).all():
                raise ValueError(f"a similarity lies outside [{self.floor}, 1]")

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def complete(self) -> bool:
        """Whether every pair of `ids` at or above the floor is listed."""
        return self.recall is None

    def select(self, ids: Collection[str]) -> EdgeList:
        """The edges between these images; ids that were not searched are ignored."""
        wanted = frozenset(ids)
        keep = np.array([image_id in wanted for image_id in self.ids], dtype=bool)
        row_of = np.cumsum(keep) - 1
        inside = keep[self.pairs.row_a] & keep[self.pairs.row_b] if len(self.ids) else keep[:0]
        pairs = PairList(
            row_of[self.pairs.row_a[inside]],
            row_of[self.pairs.row_b[inside]],
            self.pairs.similarity[inside],
        )
        chosen = tuple(image_id for image_id, kept in zip(self.ids, keep, strict=True) if kept)
        return EdgeList(chosen, pairs, self.floor, self.encoder, self.recall)


def find_edges(
    table: EmbeddingTable,
    options: SearchOptions,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[EdgeList, SearchReport]:
    """All pairs of images at or above the floor.

    An exact search depends on ids and vectors alone: not on row order, device or block size.

    Args:
        table: Embeddings.
        options: How to search.
        advance: Told of rows done.

    Raises:
        InputError: If more pairs than allowed reach the floor.
        ValueError: If the floor is no similarity.
    """
    check_floor(options.floor)
    # Rows in ascending order of id make row_a < row_b the same as first < second.
    ordered = table.select(sorted(table.ids))
    pairs, report = search_pairs(ArrayVectors(ordered.vectors), options, advance=advance)
    edges = EdgeList(ordered.ids, pairs, float(options.floor), ordered.encoder, report.recall)
    return edges, report


def check_floor(floor: float) -> None:
    """Raise ValueError unless `floor` is a similarity."""
    if not (math.isfinite(floor) and -1.0 <= floor <= 1.0):
        raise ValueError(f"floor must be a similarity in [-1, 1], got {floor}")
