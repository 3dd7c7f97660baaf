"""What `edge_store` asks of a way to compare images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.search import SearchReport
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.stages.context import StageContext


@dataclass(frozen=True)
class SearchWork:
    """What a search under way is given.

    Attributes:
        context: Devices and engine.
        folder: Where it may keep what it has finished; deleted when the search has ended.
        advance: Told of new rows done.
    """

    context: StageContext
    folder: Path
    advance: Callable[[int], None]


class Comparison(Protocol):
    """One way to compare images.

    Attributes:
        label: Names the folder below edges/.
        identity: Of what the similarity is measured by.
        ids: The images, in ascending order.
        digests: 16 bytes of what is compared, for each image.
        highest_floor: Pairs at or above it must be listed.
    """

    @property
    def label(self) -> str: ...
    @property
    def identity(self) -> str: ...
    @property
    def ids(self) -> tuple[str, ...]: ...
    @property
    def digests(self) -> Sequence[bytes]: ...
    @property
    def highest_floor(self) -> float: ...

    def listing_floor(self) -> float:
        """Down to where a new search lists pairs; at or below `highest_floor`."""
        ...

    def accepts(self, report: SearchReport) -> bool:
        """Whether what an earlier search found is good enough now."""
        ...

    def search(
        self, new: IndexArray, old: IndexArray, floor: float, work: SearchWork
    ) -> tuple[PairList, SearchReport]:
        """Pairs of `new` rows with each other and with `old` rows.

        Args:
            new: Rows of `ids`, ascending.
            old: Other rows of `ids`, ascending.
            floor: Lowest similarity listed.
            work: Where to keep finished work, and whom to tell.

        Returns:
            Pairs of rows of `ids` with row_a < row_b, and what was done.
        """
        ...
