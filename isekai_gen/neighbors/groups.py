"""Duplicate groups for browsing, and what dropping by whole groups would have cost.

Groups are connected components: a chain of pairs can join two images that are not alike, so groups
only order what people look at. What is dropped is decided by the near_duplicate filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isekai_gen.neighbors.edges import EdgeList


@dataclass(frozen=True)
class DuplicateGroup:
    """Two or more images connected by pairs above a limit.

    Attributes:
        members: Image ids in the order they were given; the first is the representative.
        lowest_similarity: Lowest similarity listed between two members.
        all_pairs_listed: Whether every pair of members is listed; if not, the least alike
            members lie below the edge list's floor.
    """

    members: tuple[str, ...]
    lowest_similarity: float
    all_pairs_listed: bool

    @property
    def representative(self) -> str:
        """The first member."""
        return self.members[0]


def duplicate_groups(
    ids: Sequence[str], edges: EdgeList, max_similarity: float
) -> list[DuplicateGroup]:
    """The connected components of the pairs above `max_similarity`.

    Args:
        ids: Images to group, most wanted first; edges to other images are ignored.
        edges: Listed down to `max_similarity` at least.
        max_similarity: Pairs strictly above it are connected.

    Returns:
        Groups of two or more members, in the order of their representatives in `ids`.

    Raises:
        ValueError: If ids repeat, or the edges' floor is above `max_similarity`.
    """
    if len(set(ids)) != len(ids):
        raise ValueError("ids repeat")
    if edges.floor > max_similarity:
        raise ValueError(f"edges end at {edges.floor}, above max_similarity {max_similarity}")
    position = {image_id: place for place, image_id in enumerate(ids)}
    listed = [
        (position[a], position[b], float(similarity))
        for a, b, similarity in zip(edges.first, edges.second, edges.similarity, strict=True)
        if a in position and b in position
    ]
    root_of = _components(len(ids), [(a, b) for a, b, s in listed if s > max_similarity])
    members: dict[int, list[int]] = {}
    for place, root in enumerate(root_of):
        members.setdefault(root, []).append(place)
    inside: dict[int, list[float]] = {}
    for a, b, similarity in listed:
        if root_of[a] == root_of[b]:
            inside.setdefault(root_of[a], []).append(similarity)
    return [
        _group([ids[place] for place in places], inside[root])
        for root, places in members.items()
        if len(places) > 1
    ]


def _group(members: list[str], similarities: list[float]) -> DuplicateGroup:
    pairs = len(members) * (len(members) - 1) // 2
    return DuplicateGroup(tuple(members), min(similarities), len(similarities) == pairs)


def count_dropped_by_components(ids: Sequence[str], edges: EdgeList, max_similarity: float) -> int:
    """How many images would be dropped by keeping one image per connected component.

    Arguments and errors are those of `duplicate_groups`.
    """
    groups = duplicate_groups(ids, edges, max_similarity)
    return sum(len(group.members) - 1 for group in groups)


def _components(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    """Root of each place's component: its lowest place."""
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return [root(place) for place in range(count)]
