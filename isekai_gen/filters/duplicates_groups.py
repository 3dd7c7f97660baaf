"""Groups of duplicates for people to look through, and what dropping by whole groups would cost."""

from __future__ import annotations

import numpy as np

from isekai_gen.filters.duplicates import DuplicateDecision, DuplicateRequest
from isekai_gen.filters.duplicates_links import Links, linked_rows, links_of
from isekai_gen.neighbors.groups import (
    DuplicateGroup,
    Likeness,
    component_of,
    duplicate_groups,
)
from isekai_gen.neighbors.pairs import joined_pairs
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.neighbors.vectors import Vectors


def group_duplicates(
    request: DuplicateRequest, decision: DuplicateDecision, vectors: Vectors | None = None
) -> list[DuplicateGroup]:
    """The rows that duplicates connect, kept or not; the representative is kept.

    Args:
        request: What was decided on.
        decision: What was decided.
        vectors: Of all rows, from the encoder of the tier that diameters are measured by: the
            semantic one if the request has it, else the first. None to use listed pairs only.
    """
    links = links_of(request)
    order = links.ranking.order
    kept = decision.kept[order]
    tiers = sorted(request.tiers, key=lambda found: found.tier != "semantic")
    pairs = tiers[0].pairs if tiers else joined_pairs([])
    return duplicate_groups(
        _components(request, links),
        np.concatenate([order[kept], order[~kept]]),
        Likeness(pairs, vectors),
    )


def dropped_by_components(request: DuplicateRequest) -> int:
    """How many rows would be dropped by keeping one row of each connected component.

    That is what most tools do. Of a component with pinned rows these would be kept, and no other.
    """
    links = links_of(request)
    component = _components(request, links)
    order, pinned = links.ranking.order, links.ranking.pinned
    held = np.unique(component[order[:pinned]])
    without = np.setdiff1d(np.unique(component[order]), held)
    return len(order) - pinned - len(without)


def _components(request: DuplicateRequest, links: Links) -> IndexArray:
    """The connected component of every row, shape (count,)."""
    one, other = linked_rows(request, links)
    hub, spoke = _equal_links(links)
    order = links.ranking.order
    return component_of(
        request.count, np.concatenate([one, order[hub]]), np.concatenate([other, order[spoke]])
    )


def _equal_links(links: Links) -> tuple[IndexArray, IndexArray]:
    """Pairs of ranks that connect what classes of equal rows connect, few for each class.

    A member without spared pairs is linked to all others of its class. Where each has some, all
    pairs but these are given: such a class is no larger than what a person went through.
    """
    equal = links.equal
    is_spared = np.isin(equal.members, list(links.spared))
    label = equal.class_of_place()
    hub = np.full(len(links.equality), -1, dtype=np.int64)
    hub[label[~is_spared]] = equal.members[~is_spared]
    one, other = [hub[label]], [equal.members]
    for number in np.flatnonzero(hub < 0).tolist():
        members = equal.members[equal.starts[number] : equal.starts[number + 1]]
        for rank in members.tolist():
            mates = members[~np.isin(members, links.spared[rank])]
            one.append(np.full(len(mates), rank, dtype=np.int64))
            other.append(mates)
    row, mate = np.concatenate(one), np.concatenate(other)
    return row[row >= 0], mate[row >= 0]
