"""Duplicate groups for browsing: what pairs connect, and how far apart a group's ends are.

Groups are connected components: a chain of pairs can join two rows that are not alike, so groups
only order what people look at. What is dropped is decided by `filters.duplicates`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.diameters import lowest_similarities, lowest_to_first
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray
from isekai_gen.neighbors.vectors import Vectors

BoolArray = npt.NDArray[np.bool_]
# Up to here the least alike members are looked for among all pairs of a group.
_MOST_MEMBERS = 2000


@dataclass(frozen=True, eq=False)
class DuplicateGroup:
    """Two or more rows connected by pairs.

    Attributes:
        members: int64, shape (m,): rows, the representative first, the others by priority.
        diameter: Lowest similarity between two members that is known, None if none is.
        is_exact: Whether no two members are less alike than `diameter`; if not, some may be.
    """

    members: IndexArray
    diameter: float | None
    is_exact: bool

    @property
    def representative(self) -> int:
        """The first member."""
        return int(self.members[0])


@dataclass(frozen=True, eq=False)
class Likeness:
    """How alike members of groups are.

    Attributes:
        pairs: Those that a search listed.
        vectors: What it searched; without them only listed similarities are known.
    """

    pairs: PairList
    vectors: Vectors | None = None


def component_of(count: int, row_a: IndexArray, row_b: IndexArray) -> IndexArray:
    """The connected component of every row, named by its lowest row.

    In each round the roots of linked trees that are not the lowest of their neighbors join a lower
    one, so the number of roots halves at least every two rounds (after Shiloach and Vishkin, "An
    O(log n) parallel connectivity algorithm", Journal of Algorithms 3, 1982).

    Args:
        count: Rows.
        row_a: One end of every pair, shape (m,).
        row_b: The other end, shape (m,).

    Returns:
        int64, shape (count,).
    """
    root = np.arange(count, dtype=np.int64)
    while True:
        row_a, row_b = root[row_a], root[row_b]
        apart = row_a != row_b
        if not apart.any():
            return root
        row_a, row_b = row_a[apart], row_b[apart]
        np.minimum.at(root, np.maximum(row_a, row_b), np.minimum(row_a, row_b))
        while not np.array_equal(above := root[root], root):
            root = above


def duplicate_groups(
    component: IndexArray, order: IndexArray, likeness: Likeness
) -> list[DuplicateGroup]:
    """The components of two or more rows, with their diameters.

    With vectors, diameters of groups of up to 2,000 members are exact: the lowest of all pairs'
    similarities in float64. Of a larger group, and without vectors of any group with an unlisted
    pair, only an upper bound is given: the lowest similarity listed or to the representative.

    Args:
        component: From `component_of`.
        order: Rows, most wanted as representatives first; rows that are left out are in no group.
        likeness: What diameters are measured by.

    Returns:
        Groups in the order of their representatives.
    """
    members = _members(component, order)
    lowest, is_exact = _listed(len(component), members, likeness.pairs)
    if likeness.vectors is not None:
        lowest, is_exact = _measured(members, likeness.vectors, lowest)
    return [
        DuplicateGroup(rows, value if math.isfinite(value) else None, exact)
        for rows, value, exact in zip(members, lowest.tolist(), is_exact.tolist(), strict=True)
    ]


def _members(component: IndexArray, order: IndexArray) -> list[IndexArray]:
    """Rows of each component of two or more, in order, and the components in order of the first."""
    label = component[order]
    by_label = np.argsort(label, kind="stable")
    ends = np.flatnonzero(np.diff(label[by_label])) + 1
    groups = [places for places in np.split(by_label, ends) if len(places) > 1]
    return [order[places] for places in sorted(groups, key=lambda places: int(places[0]))]


def _listed(count: int, members: list[IndexArray], pairs: PairList) -> tuple[ScoreArray, BoolArray]:
    """Lowest listed similarity of each group (inf for none), and whether all pairs are listed."""
    group_of = np.full(count, -1, dtype=np.int64)
    size = np.array([len(rows) for rows in members], dtype=np.int64)
    if members:
        group_of[np.concatenate(members)] = np.repeat(np.arange(len(members)), size)
    group = group_of[pairs.row_a]
    inside = (group >= 0) & (group == group_of[pairs.row_b])
    lowest = np.full(len(members), np.inf)
    np.minimum.at(lowest, group[inside], pairs.similarity[inside].astype(np.float64))
    listed = np.bincount(group[inside], minlength=len(members))
    return lowest, listed == size * (size - 1) // 2


def _measured(
    members: list[IndexArray], vectors: Vectors, listed: ScoreArray
) -> tuple[ScoreArray, BoolArray]:
    """Lowest similarity of each group, and whether it is that of all pairs."""
    small = np.array([len(rows) <= _MOST_MEMBERS for rows in members], dtype=bool)
    lowest = listed.copy()
    lowest[small] = lowest_similarities([members[one] for one in np.flatnonzero(small)], vectors)
    for one in np.flatnonzero(~small).tolist():
        lowest[one] = min(lowest[one], lowest_to_first(members[one], vectors))
    return lowest, small
