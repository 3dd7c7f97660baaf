"""For every dropped row its kept witness, and the pairs of kept rows that people should look at.

A person's mark is the strongest evidence, then equality (bytes before pixels), then the tiers in
the order of the request. Within a tier the witness is the most similar kept row, and among equally
similar ones the most wanted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.filters.duplicates_links import Links, Ranking, TierLinks, places_of
from isekai_gen.filters.duplicates_request import (
    EQUALITIES,
    BoolArray,
    DuplicateRequest,
    TierPairs,
)
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray

NameArray = npt.NDArray[np.object_]
TIER_REASONS = {
    "perceptual": "looks_the_same",
    "semantic": "similar_to_kept",
    "extra": "similar_by_extra",
}
"""Tier to the reason for which it drops a row."""


class Evidence:
    """Why each row is dropped, or should be looked at; the functions below fill it in.

    Attributes:
        witness: int64, shape (count,): a kept row, or -1.
        similarity: float32, shape (count,): NaN where it is not known.
        limit: float64, shape (count,): what the similarity was compared with; NaN for nothing.
        tier: Names, shape (count,).
        reason: Names, shape (count,).
    """

    def __init__(self, count: int) -> None:
        self.witness: IndexArray = np.full(count, -1, dtype=np.int64)
        self.similarity: FloatArray = np.full(count, np.nan, dtype=np.float32)
        self.limit: ScoreArray = np.full(count, np.nan)
        self.tier: NameArray = np.full(count, "", dtype=object)
        self.reason: NameArray = np.full(count, "", dtype=object)


@dataclass(frozen=True, eq=False)
class ReviewPairs:
    """Pairs of kept rows that one tier finds so similar that people should look at them.

    Attributes:
        found: The tier, with its limits.
        pairs: None of them is among an earlier tier's.
    """

    found: TierPairs
    pairs: PairList


@dataclass(frozen=True, eq=False)
class _Neighbors:
    """Rows, each with another that it is paired with.

    Attributes:
        row: int64, shape (k,).
        other: int64, shape (k,).
        place: int64, shape (k,): of the pair in the list it comes from.
    """

    row: IndexArray
    other: IndexArray
    place: IndexArray

    def select(self, chosen: BoolArray) -> _Neighbors:
        """Some of them."""
        return _Neighbors(self.row[chosen], self.other[chosen], self.place[chosen])

    def most_wanted(self, ranking: Ranking) -> _Neighbors:
        """For each row the most wanted one it is paired with."""
        first = np.full(len(ranking.rank), len(ranking.rank), dtype=np.int64)
        rank = ranking.rank[self.other]
        np.minimum.at(first, self.row, rank)
        return self.select(rank == first[self.row])

    def strongest(self, similarity: FloatArray, ranking: Ranking) -> _Neighbors:
        """For each row the most similar one, or the most wanted of several.

        Args:
            similarity: Of the list that the places count in.
            ranking: Who is wanted most.
        """
        value = similarity[self.place]
        best = np.full(len(ranking.rank), -np.inf, dtype=np.float32)
        np.maximum.at(best, self.row, value)
        return self.select(value == best[self.row]).most_wanted(ranking)


def _neighbors(
    row_a: IndexArray, row_b: IndexArray, judged: BoolArray, others: BoolArray
) -> _Neighbors:
    """Both ways round, the pairs of a `judged` row with one of the `others`."""
    forth = np.flatnonzero(judged[row_a] & others[row_b])
    back = np.flatnonzero(judged[row_b] & others[row_a])
    return _Neighbors(
        np.concatenate([row_a[forth], row_b[back]]),
        np.concatenate([row_b[forth], row_a[back]]),
        np.concatenate([forth, back]),
    )


def _limits(found: TierPairs, place: IndexArray) -> ScoreArray:
    """What the similarities of pairs had to exceed to make duplicates."""
    limits = np.full(len(place), found.max_similarity)
    return limits if found.also_above is None else np.maximum(limits, found.also_above[place])


def find_marked_witnesses(
    evidence: Evidence, links: Links, request: DuplicateRequest, kept: BoolArray
) -> None:
    """Witnesses by what people marked, with the similarity that the first tier lists, if any."""
    ranking = links.ranking
    judged = (ranking.rank >= 0) & ~kept
    found = _neighbors(request.marked[:, 0], request.marked[:, 1], judged, kept)
    found = found.most_wanted(ranking)
    evidence.witness[found.row] = found.other
    evidence.tier[found.row] = "person"
    evidence.reason[found.row] = "marked_duplicate"
    for tier in reversed(request.tiers):  # the first tier has the last word
        place = places_of(request, tier.pairs, np.stack([found.row, found.other], axis=1))
        row, place = found.row[place >= 0], place[place >= 0]
        evidence.similarity[row] = tier.pairs.similarity[place]
        evidence.limit[row] = _limits(tier, place)


def find_equal_witnesses(evidence: Evidence, links: Links, kept: BoolArray) -> None:
    """Witnesses among exactly equal rows, for rows that have none yet; their similarity is 1."""
    ranking, classes = links.ranking, links.equal
    nobody = len(ranking.order)
    is_kept = kept[ranking.order[classes.members]]
    label = classes.class_of_place()
    candidate = np.full(len(links.equality), nobody, dtype=np.int64)
    np.minimum.at(candidate, label[is_kept], classes.members[is_kept])
    of_member = candidate[label]
    for place in np.flatnonzero(np.isin(classes.members, list(links.spared))).tolist():
        mates = slice(classes.starts[label[place]], classes.starts[label[place] + 1])
        left = classes.members[mates][is_kept[mates]]
        left = left[~np.isin(left, links.spared[int(classes.members[place])])]
        of_member[place] = left[0] if left.size else nobody
    for code, reason in enumerate(EQUALITIES):
        usable = (links.equality[label] == code) & (of_member < nobody) & ~is_kept
        best = np.full(nobody, nobody, dtype=np.int64)
        np.minimum.at(best, classes.members[usable], of_member[usable])
        rank = np.flatnonzero((best < nobody) & (evidence.witness[ranking.order] < 0))
        row = ranking.order[rank]
        evidence.witness[row] = ranking.order[best[rank]]
        evidence.similarity[row] = 1.0
        evidence.tier[row], evidence.reason[row] = "exact", reason


def find_tier_witnesses(
    evidence: Evidence, tier: TierLinks, ranking: Ranking, kept: BoolArray
) -> None:
    """Witnesses by one tier, for rows that have none yet."""
    place = np.flatnonzero(tier.linked)
    pairs = tier.found.pairs
    judged = (ranking.rank >= 0) & ~kept & (evidence.witness < 0)
    found = _neighbors(pairs.row_a[place], pairs.row_b[place], judged, kept)
    similarity = pairs.similarity[place]
    found = found.strongest(similarity, ranking)
    evidence.witness[found.row] = found.other
    _note(evidence, found.row, tier.found, place[found.place])
    evidence.reason[found.row] = TIER_REASONS[tier.found.tier]


def _note(evidence: Evidence, row: IndexArray, found: TierPairs, place: IndexArray) -> None:
    """Write down on which pair of a tier the evidence about each row rests."""
    evidence.similarity[row] = found.pairs.similarity[place]
    evidence.limit[row] = _limits(found, place)
    evidence.tier[row] = found.tier


def find_review_pairs(evidence: Evidence, links: Links, kept: BoolArray) -> tuple[ReviewPairs, ...]:
    """Pairs of kept rows in a review band, unless a person keeps both; notes each row's strongest.

    Returns:
        One entry per tier, in the same order; a pair in the band of several is in the first's.
    """
    ranking = links.ranking
    pinned = np.zeros(len(kept), dtype=bool)
    pinned[ranking.order[: ranking.pinned]] = True
    seen = np.zeros(0, dtype=np.int64)
    listed = []
    for tier in links.tiers:
        pairs = tier.found.pairs
        place = np.flatnonzero(tier.in_review)
        row_a, row_b = pairs.row_a[place], pairs.row_b[place]
        place = place[kept[row_a] & kept[row_b] & ~(pinned[row_a] & pinned[row_b])]
        codes = pairs.row_a[place] * len(kept) + pairs.row_b[place]
        place = place[~np.isin(codes, seen)]
        seen = np.concatenate([seen, codes])
        chosen = PairList(pairs.row_a[place], pairs.row_b[place], pairs.similarity[place])
        listed.append(ReviewPairs(tier.found, chosen))
        unnoted = kept & ~pinned & (evidence.reason == "")
        found = _neighbors(chosen.row_a, chosen.row_b, unnoted, kept)
        found = found.strongest(chosen.similarity, ranking)
        _note(evidence, found.row, tier.found, place[found.place])
        evidence.reason[found.row] = "in_review_band"
    return tuple(listed)
