"""Find all similar pairs: one entrance to every way of searching.

Whatever proposes the candidates, each is scored again in float64 in a fixed order (`similarity`)
and stored as float32, so that the same pairs have the same bits everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from isekai_gen.intervals import Interval
from isekai_gen.neighbors.bands import BAND_ROWS, BandFolder
from isekai_gen.neighbors.exact import prepare_search
from isekai_gen.neighbors.exact_run import run_search
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.vectors import Vectors

Mode = Literal["exact", "approximate", "auto"]


@dataclass(frozen=True)
class SearchOptions:
    """How to search.

    Attributes:
        floor: Lowest similarity listed, in [-1, 1].
        mode: "exact" lists every pair at or above the floor.
        min_recall: Share of these pairs that an approximate search must find, in (0, 1).
        device: "cpu" or "cuda:0".
        max_pairs: More pairs than this are refused rather than filling the memory.
    """

    floor: float
    mode: Mode = "exact"
    min_recall: float = 0.98
    device: str = "cpu"
    max_pairs: int = 20_000_000


@dataclass(frozen=True)
class SearchReport:
    """What a search did.

    Attributes:
        mode: "exact" or "approximate".
        method: What proposed the candidates, such as "blocks" or "faiss IVF1024, nprobe 4".
        why: Why this mode and method were chosen, one line.
        candidates: Pairs that were scored in float64.
        seconds: Phase to seconds.
        recall: Measured share of the pairs found, with its interval; None of an exact search.
        min_recall: The recall asked for; None of an exact search.
    """

    mode: Literal["exact", "approximate"]
    method: str
    why: str
    candidates: int
    seconds: Mapping[str, float] = field(default_factory=dict)
    recall: Interval | None = None
    min_recall: float | None = None

    @property
    def complete(self) -> bool:
        """Whether every pair at or above the floor is listed."""
        return self.mode == "exact"


def search_pairs(
    vectors: Vectors,
    options: SearchOptions,
    *,
    against: Vectors | None = None,
    bands: BandFolder | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[PairList, SearchReport]:
    """All pairs of rows at or above the floor, within one matrix or between two.

    Args:
        vectors: n rows.
        options: How to search.
        against: Another matrix; the pairs are then (row of `vectors`, row of `against`).
        bands: Where an exact search keeps what it has finished.
        advance: Told of rows of `vectors` that are done, which sum up to n, and of 0 between.

    Raises:
        InputError: If more than `max_pairs` pairs reach the floor, or dimensions differ.
        MissingDependencyError: If an approximate search needs faiss and it is not installed.
    """
    options, why = settled(options, vectors, against)
    if options.mode == "approximate":
        from isekai_gen.neighbors.approximate import approximate_pairs

        pairs, report = approximate_pairs(vectors, options, against=against, advance=advance)
        return pairs, replace(report, why="; ".join(filter(None, [why, report.why])))
    band_rows = BAND_ROWS if bands is None else bands.band_rows
    search = prepare_search(vectors, against, options.floor, options.device, band_rows)
    pairs = run_search(search, options.max_pairs, bands, advance)
    return pairs, SearchReport(
        mode="exact",
        method=search.engine.name,
        why=why,
        candidates=search.counts["candidates"],
        seconds=dict(search.seconds),
    )


def settled(
    options: SearchOptions, vectors: Vectors, against: Vectors | None
) -> tuple[SearchOptions, str]:
    """The options with the mode "auto" replaced by what it comes to, and why, for the report."""
    if options.mode != "auto":
        return options, "asked for" if options.mode == "exact" else ""
    from isekai_gen.neighbors.choosing import choose_mode

    others = None if against is None else against.shape[0]
    mode, why = choose_mode(*vectors.shape, others, options.device, options.floor)
    return replace(options, mode=mode), why
