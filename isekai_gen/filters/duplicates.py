"""Decide which of many rows stay, and why: the rule behind every `dedupe`.

Rows are taken in order of priority; one is kept unless some comparison makes it a duplicate of a
row already kept (`independent_set`). So kept rows are pairwise at or below every limit, every other
row has a kept witness above one, and no row is dropped through a chain. Nothing depends on the
order in which rows, pairs or classes are given. The exceptions come from people: pairs that they
marked or spared, and rows that they keep.

Time is linear in rows, pairs and members of equal classes, but for one sort of the pairs; memory is
about 50 bytes for each pair above a limit, beside the pairs themselves. A million rows with twenty
million pairs take seconds.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.filters.duplicates_evidence import (
    Evidence,
    NameArray,
    ReviewPairs,
    find_equal_witnesses,
    find_marked_witnesses,
    find_review_pairs,
    find_tier_witnesses,
)
from isekai_gen.filters.duplicates_links import Links, linked_rows, links_of
from isekai_gen.filters.duplicates_request import (
    BoolArray,
    DuplicateRequest,
    Equality,
    TierPairs,
    radius_limit,
)
from isekai_gen.filters.independent_set import choose_kept, forward_links
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray

__all__ = [
    "DuplicateDecision",
    "DuplicateRequest",
    "Equality",
    "ReviewPairs",
    "TierPairs",
    "decide_duplicates",
    "dropped_by_limits_alone",
    "radius_limit",
]


@dataclass(frozen=True, eq=False)
class DuplicateDecision:
    """Which rows are kept, and the evidence; every array has shape (count,).

    The evidence about a dropped row is its witness; about a kept row in a review band, its most
    similar pair there (without a witness).

    Attributes:
        kept: Whether the row is kept; False for absent rows too.
        witness: int64: the kept row that a dropped one is a duplicate of, else -1.
        similarity: float32: of the evidence; 1 for equal rows, NaN where none is known.
        limit: float64: what the similarity was compared with; NaN where nothing was.
        tier: Name of the comparison that the evidence comes from: a tier, "exact", "person" or "".
        reason: "same_bytes", "same_pixels", "looks_the_same" (perceptual), "similar_to_kept"
            (semantic), "similar_by_extra" or "marked_duplicate" of a dropped row; "pinned",
            "in_review_band" or "within_limit" of a kept one; "dropped_before" of an absent one.
        review: One entry per tier of the request: pairs of kept rows for people to look at.
    """

    kept: BoolArray
    witness: IndexArray
    similarity: FloatArray
    limit: ScoreArray
    tier: NameArray
    reason: NameArray
    review: tuple[ReviewPairs, ...]

    @property
    def dropped(self) -> BoolArray:
        """Whether the row is dropped as a duplicate, shape (count,)."""
        dropped: BoolArray = self.witness >= 0
        return dropped


def decide_duplicates(request: DuplicateRequest) -> DuplicateDecision:
    """Choose the rows to keep, and give the evidence for every other.

    Args:
        request: What is known of the rows; not changed.
    """
    links = links_of(request)
    ranking = links.ranking
    kept = _kept_rows(request, links)
    evidence = Evidence(request.count)
    find_marked_witnesses(evidence, links, request, kept)
    find_equal_witnesses(evidence, links, kept)
    for tier in links.tiers:
        find_tier_witnesses(evidence, tier, ranking, kept)
    review = find_review_pairs(evidence, links, kept)
    evidence.reason[ranking.order[: ranking.pinned]] = "pinned"
    evidence.reason[ranking.rank < 0] = "dropped_before"
    evidence.reason[evidence.reason == ""] = "within_limit"
    return DuplicateDecision(
        kept=kept,
        witness=evidence.witness,
        similarity=evidence.similarity,
        limit=evidence.limit,
        tier=evidence.tier,
        reason=evidence.reason,
        review=review,
    )


def dropped_by_limits_alone(request: DuplicateRequest) -> int:
    """How many rows would be dropped if no pair had to be `also_above` anything."""
    absolute = [dataclasses.replace(found, also_above=None) for found in request.tiers]
    request = dataclasses.replace(request, tiers=absolute)
    links = links_of(request)
    return len(links.ranking.order) - int(_kept_rows(request, links).sum())


def _kept_rows(request: DuplicateRequest, links: Links) -> BoolArray:
    """Whether each row is kept, shape (count,)."""
    ranking = links.ranking
    one, other = linked_rows(request, links)
    forward = forward_links(len(ranking.order), ranking.rank[one], ranking.rank[other])
    kept = np.zeros(request.count, dtype=bool)
    kept[ranking.order[choose_kept(forward, links.equal, links.spared, ranking.pinned)]] = True
    return kept
