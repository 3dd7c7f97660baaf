"""What one comparison found outside a workspace, with its limits and how it was searched."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isekai_gen.filters.duplicates import TierPairs
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.search import SearchReport
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.settings import Tier
from isekai_gen.stages.dedupe_report import TierReport

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TierLimits:
    """The limits of one comparison.

    Attributes:
        tier: Its name.
        max_similarity: Above it rows are duplicates.
        review_similarity: Above it, up to `max_similarity`, people look.
        floor: Lowest similarity listed; <= review_similarity.
        source: Where the limit comes from; "" of the tier exact.
    """

    tier: Tier
    max_similarity: float
    review_similarity: float
    floor: float
    source: str


@dataclass(frozen=True, eq=False)
class TierFound:
    """The pairs of one comparison, within a set or between two.

    Attributes:
        limits: Its limits.
        pairs: At or above the floor.
        search: How they were found.
        encoder: Identity of what the similarity was measured by; "" if nobody knows.
    """

    limits: TierLimits
    pairs: PairList
    search: SearchReport
    encoder: str = ""

    def footer(self) -> dict[str, Any]:
        """What is known of the pairs, for the footer of their file."""
        recall = self.search.recall
        return {
            "floor": self.limits.floor,
            "complete": self.search.complete,
            "recall": None if recall is None else asdict(recall),
            "mode": self.search.mode,
            "method": self.search.method,
            "encoder": self.encoder,
        }

    def to_decide(self) -> TierPairs:
        """The pairs within a set, as a decision takes them."""
        limits = self.limits
        return TierPairs(limits.tier, self.pairs, limits.max_similarity, limits.review_similarity)

    def links(self) -> PairList:
        """Pairs above the limit, whose rows cannot both be kept."""
        # Compared in float64: a float32 array would round the limit first.
        above = self.pairs.similarity.astype(np.float64) > self.limits.max_similarity
        return _chosen(self.pairs, np.flatnonzero(above))

    def strongest(self, rows: BoolArray) -> IndexArray:
        """Place of the most similar pair above the limit of each of `rows` that has one.

        Among equally similar ones, that with the lowest row_b.

        Args:
            rows: Whether a row_a counts.
        """
        pairs = self.pairs
        above = pairs.similarity.astype(np.float64) > self.limits.max_similarity
        place = np.flatnonzero(above & rows[pairs.row_a])
        order = np.lexsort((pairs.row_b[place], -pairs.similarity[place], pairs.row_a[place]))
        place = place[order]
        first = np.ones(len(place), dtype=bool)
        first[1:] = pairs.row_a[place[1:]] != pairs.row_a[place[:-1]]
        chosen: IndexArray = place[first]
        return chosen

    def in_review(self, rows: BoolArray) -> PairList:
        """Pairs in the review band whose row_a counts."""
        pairs = self.pairs
        similarity = pairs.similarity.astype(np.float64)
        band = similarity > self.limits.review_similarity
        band &= similarity <= self.limits.max_similarity
        return _chosen(pairs, np.flatnonzero(band & rows[pairs.row_a]))

    def report(self, *, dropped: int, review_pairs: int, searched: int) -> TierReport:
        """As a row of the report."""
        limits, search = self.limits, self.search
        exact = limits.tier == "exact"
        return TierReport(
            edges=len(self.pairs),
            floor=None if exact else limits.floor,
            max_similarity=None if exact else limits.max_similarity,
            review_similarity=None if exact else limits.review_similarity,
            limit_source=limits.source,
            dropped=dropped,
            review_pairs=review_pairs,
            mode=search.mode,
            method=search.method,
            why=search.why,
            complete=search.complete,
            recall=search.recall,
            searched=searched,
        )


def _chosen(pairs: PairList, places: IndexArray) -> PairList:
    return PairList(pairs.row_a[places], pairs.row_b[places], pairs.similarity[places])
