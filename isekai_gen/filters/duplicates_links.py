"""Which pairs of a request make two rows duplicates, and which are for people to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isekai_gen.filters.duplicates_request import (
    EQUALITIES,
    BoolArray,
    DuplicateRequest,
    TierPairs,
)
from isekai_gen.filters.independent_set import EqualClasses
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray


@dataclass(frozen=True, eq=False)
class Ranking:
    """The rows to judge in order of priority, pinned ones first.

    Attributes:
        order: int64, shape (judged,): rows, most wanted first.
        rank: int64, shape (count,): place of every row in `order`, -1 for an absent one.
        pinned: How many of `order` are pinned.
    """

    order: IndexArray
    rank: IndexArray
    pinned: int


def _ranking_of(request: DuplicateRequest) -> Ranking:
    """The order in which rows are judged."""
    is_pinned = np.zeros(request.count, dtype=bool)
    is_pinned[request.pinned] = True
    is_absent = np.zeros(request.count, dtype=bool)
    is_absent[request.absent] = True
    present = request.priority[~is_absent[request.priority]]
    first = is_pinned[present]
    order = np.concatenate([present[first], present[~first]])
    rank = np.full(request.count, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    return Ranking(order, rank, int(first.sum()))


@dataclass(frozen=True, eq=False)
class TierLinks:
    """What the pairs of a tier say.

    Attributes:
        found: The tier.
        linked: Whether a pair's rows are duplicates, shape (len(found.pairs),).
        in_review: Whether people should look at a pair if both rows are kept, same shape.
    """

    found: TierPairs
    linked: BoolArray
    in_review: BoolArray


@dataclass(frozen=True, eq=False)
class Links:
    """Everything that makes rows of a request duplicates, but for people's marks.

    Attributes:
        ranking: The order in which rows are judged.
        tiers: One entry per tier of the request.
        equal: Classes of equal rows within one scope, by rank.
        equality: int64, shape (classes,): place in `EQUALITIES` of what each class has in common.
        spared: Rank to the ranks that a person called no duplicates of it.
    """

    ranking: Ranking
    tiers: tuple[TierLinks, ...]
    equal: EqualClasses
    equality: IndexArray
    spared: Mapping[int, IndexArray]


def links_of(request: DuplicateRequest) -> Links:
    """Hold everything that a request knows against its limits."""
    ranking = _ranking_of(request)
    equal, equality = _equal_classes(request, ranking)
    return Links(
        ranking=ranking,
        tiers=tuple(_tier_links(request, ranking, found) for found in request.tiers),
        equal=equal,
        equality=equality,
        spared=_spared_ranks(request, ranking),
    )


def _tier_links(request: DuplicateRequest, ranking: Ranking, found: TierPairs) -> TierLinks:
    """Hold the pairs of a tier against its limits; those that a person spared say nothing."""
    row_a, row_b = found.pairs.row_a, found.pairs.row_b
    # Compared in float64: a float32 array would round the limit first.
    similarity = found.pairs.similarity.astype(np.float64)
    counts: BoolArray = similarity > found.review_similarity
    if found.also_above is not None:
        counts &= similarity > found.also_above
    if request.absent.size:
        present = ranking.rank >= 0
        counts &= present[row_a] & present[row_b]
    if request.scope is not None:
        counts &= request.scope[row_a] == request.scope[row_b]
    place = places_of(request, found.pairs, request.spared)
    counts[place[place >= 0]] = False
    above = similarity > found.max_similarity
    return TierLinks(found, counts & above, counts & ~above)


def places_of(request: DuplicateRequest, pairs: PairList, wanted: IndexArray) -> IndexArray:
    """Place in `pairs` of each wanted pair, shape (k, 2) in any order; -1 if it is not listed."""
    if not (len(wanted) and len(pairs)):
        return np.full(len(wanted), -1, dtype=np.int64)
    codes = pairs.row_a * request.count + pairs.row_b
    wanted_codes = request.codes_of(wanted)
    place = np.minimum(np.searchsorted(codes, wanted_codes), len(codes) - 1)
    found: IndexArray = np.where(codes[place] == wanted_codes, place, -1)
    return found


def _equal_classes(request: DuplicateRequest, ranking: Ranking) -> tuple[EqualClasses, IndexArray]:
    """Classes of two or more equal rows within one scope, by rank, and what each has in common.

    Returns:
        The classes, and for each the place of its equality in `EQUALITIES`, shape (classes,).
    """
    label, rows = request.equal_rows()
    present = ranking.rank[rows] >= 0
    rows, label = rows[present], label[present]
    scope = np.zeros(len(rows), dtype=np.int64) if request.scope is None else request.scope[rows]
    order = np.lexsort((ranking.rank[rows], scope, label))
    rank, scope, label = ranking.rank[rows[order]], scope[order], label[order]
    begins = np.ones(len(rank), dtype=bool)
    begins[1:] = (label[1:] != label[:-1]) | (scope[1:] != scope[:-1])
    size = np.diff(np.append(np.flatnonzero(begins), len(rank)))
    shared = np.repeat(size > 1, size)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(size[size > 1])])
    what = np.array([EQUALITIES.index(what) for what, _ in request.equal], dtype=np.int64)
    return EqualClasses(rank[shared], starts), what[label[begins][size > 1]]


def _spared_ranks(request: DuplicateRequest, ranking: Ranking) -> dict[int, IndexArray]:
    """Rank to the ranks that a person called no duplicates of it."""
    partners: dict[int, list[int]] = {}
    for one, other in ranking.rank[request.spared].tolist():
        partners.setdefault(one, []).append(other)
        partners.setdefault(other, []).append(one)
    return {rank: np.array(others, dtype=np.int64) for rank, others in partners.items()}


def linked_rows(request: DuplicateRequest, links: Links) -> tuple[IndexArray, IndexArray]:
    """The pairs of judged rows that tiers and people's marks link, but not those of equal rows.

    Returns:
        Both rows of every pair, shape (m,) each; a pair may come more than once.
    """
    marked = request.marked[(links.ranking.rank[request.marked] >= 0).all(axis=1)]
    one, other = [marked[:, 0]], [marked[:, 1]]
    for tier in links.tiers:
        one.append(tier.found.pairs.row_a[tier.linked])
        other.append(tier.found.pairs.row_b[tier.linked])
    return np.concatenate(one), np.concatenate(other)
