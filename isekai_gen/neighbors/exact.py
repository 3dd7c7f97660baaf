"""Exact search: what proposes the pairs of each band, and what scores them."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from isekai_gen.errors import InputError
from isekai_gen.neighbors.bands import BAND_ROWS, ScoredPairs
from isekai_gen.neighbors.engines import Engine, IndexPairs, SearchShape, choose_engine
from isekai_gen.neighbors.portions import HeldRows, PortionSizes, portion_sizes, rows_that_fit
from isekai_gen.neighbors.similarity import IndexArray, gathered_similarities
from isekai_gen.neighbors.vectors import Vectors

_NONE: IndexArray = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Proposal:
    """Candidates of a band.

    Attributes:
        start: First row of the band.
        rows: Of the first matrix and of the other one.
        last: Whether the band has no more.
    """

    start: int
    rows: IndexPairs
    last: bool = False


@dataclass(frozen=True, eq=False)
class ExactSearch:
    """One search, ready to go through its bands.

    Attributes:
        vectors: n rows.
        against: m rows, or None for pairs within `vectors`.
        floor: Lowest similarity listed.
        engine: What proposes candidates.
        sizes: Rows held at a time.
        band_rows: Rows of a band.
        seconds: Phase to seconds so far: "prepare", "propose", "score"; the last two overlap.
        counts: "candidates": pairs scored so far.
    """

    vectors: Vectors
    against: Vectors | None
    floor: float
    engine: Engine[Any]
    sizes: PortionSizes
    band_rows: int = BAND_ROWS
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def bands(self) -> Sequence[int]:
        """First row of every band."""
        return band_starts(self.vectors.shape[0], self.band_rows)

    def band_end(self, start: int) -> int:
        """The row after the last one of a band."""
        return min(start + self.band_rows, self.vectors.shape[0])

    def proposals(self, bands: Sequence[int]) -> Iterator[Proposal]:
        """The candidates of some bands; those whose rows are held together come together.

        Args:
            bands: First rows, ascending.
        """
        for _, some in groupby(bands, key=lambda start: start // max(1, self.sizes.left)):
            group = list(some)
            # What fits whole is loaded once, whichever of its bands are asked for.
            whole = self.sizes.left >= self.vectors.shape[0]
            top, end = (0, self.vectors.shape[0]) if whole else (group[0], self.band_end(group[-1]))
            left = right = found = None  # so that what was held is free before more is loaded
            left = self._load(self._left, top, end)
            columns = self._columns(end)
            for span in columns:
                right = found = None
                right = None if span is None else self._load(self._right, *span)
                offset = top if span is None else span[0]
                for start in group:
                    found = self.engine.candidates(
                        left, right, start - top, self.band_end(start) - top
                    )
                    for i, j in self._timed(found):
                        yield Proposal(start, (i + top, j + offset))
                    if span == columns[-1]:
                        yield Proposal(start, (_NONE, _NONE), last=True)

    def _columns(self, end: int) -> Sequence[tuple[int, int] | None]:
        """What rows up to `end` are compared with, portion by portion; None for themselves."""
        step = max(1, self.sizes.right)
        if self.against is not None:
            count = self.against.shape[0]
            # One empty portion, if there are no rows: bands must come to their end.
            return [(edge, min(edge + step, count)) for edge in range(0, max(count, 1), step)]
        count = self.vectors.shape[0]
        return [None, *((edge, min(edge + step, count)) for edge in range(end, count, step))]

    @cached_property
    def _left(self) -> HeldRows[Any]:
        return HeldRows(self.vectors, self.engine.load)

    @cached_property
    def _right(self) -> HeldRows[Any]:
        other = self.vectors if self.against is None else self.against
        return HeldRows(other, self.engine.load)

    def _load(self, side: HeldRows[Any], start: int, stop: int) -> Any:  # noqa: ANN401 - the engine's
        began = time.perf_counter()
        rows = side.portion(start, stop)
        self.seconds["prepare"] += time.perf_counter() - began
        return rows

    def _timed(self, proposed: Iterator[IndexPairs]) -> Iterator[IndexPairs]:
        while True:
            began = time.perf_counter()
            piece = next(proposed, None)
            self.seconds["propose"] += time.perf_counter() - began
            if piece is None:
                return
            self.counts["candidates"] += len(piece[0])
            yield piece

    def score(self, i: IndexArray, j: IndexArray) -> ScoredPairs:
        """The candidates at or above the floor with their similarity."""
        began = time.perf_counter()
        other = self.vectors if self.against is None else self.against
        similarity = gathered_similarities(self.vectors, i, other, j).astype(np.float32)
        reached = similarity.astype(np.float64) >= self.floor
        self.seconds["score"] += time.perf_counter() - began
        return i[reached], j[reached], similarity[reached]


def band_starts(count: int, band_rows: int) -> range:
    """First row of every band of so many rows."""
    return range(0, count, band_rows)


def prepare_search(
    vectors: Vectors,
    against: Vectors | None,
    floor: float,
    device: str,
    band_rows: int = BAND_ROWS,
) -> ExactSearch:
    """Choose an engine, and how much of the rows is held at a time.

    Args:
        vectors: n rows.
        against: m rows, or None for pairs within `vectors`.
        floor: Lowest similarity listed.
        device: "cpu" or "cuda:0".
        band_rows: Rows of a band.

    Raises:
        InputError: If the matrices differ in dimensions.
    """
    count, dimensions = vectors.shape
    if against is not None and against.shape[1] != dimensions:
        raise InputError(
            f"embeddings of {dimensions} and of {against.shape[1]} dimensions cannot be "
            "compared; embed both with one encoder"
        )
    began = time.perf_counter()
    others = count if against is None else against.shape[0]
    engine = choose_engine(SearchShape(count, others, dimensions), floor, device, band_rows)
    fitting = rows_that_fit(engine.row_bytes(dimensions), device)
    sizes = portion_sizes(count, 0 if against is None else others, fitting, band_rows)
    search = ExactSearch(vectors, against, floor, engine, sizes, band_rows)
    search.seconds["prepare"] += time.perf_counter() - began
    return search
