"""Choose which rows to keep so that no two kept ones are linked and every other has a kept link.

The greedy maximal independent set in a given order: each row is kept unless it is linked to one
already kept. Keeping one row per connected component, or dropping a row for its likeness to a
dropped one, would drop rows through chains: rows that resemble nothing that is kept.

Everything here counts in ranks: places in the order, 0 for the most wanted row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.similarity import IndexArray

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ForwardLinks:
    """For every rank the less wanted ones it is linked to.

    Attributes:
        starts: int64, shape (count + 1,): the links of rank r are later[starts[r]:starts[r + 1]].
        later: int64, shape (links,): ranks.
    """

    starts: IndexArray
    later: IndexArray

    @property
    def count(self) -> int:
        """Number of ranks."""
        return len(self.starts) - 1


def forward_links(count: int, one: IndexArray, other: IndexArray) -> ForwardLinks:
    """Links from pairs of ranks, shape (m,) each, in any order; a pair may come more than once."""
    # One sort of whole numbers is several times faster than sorting places by two keys.
    codes = np.minimum(one, other) * count + np.maximum(one, other)
    codes.sort()
    starts = np.searchsorted(codes, np.arange(count + 1, dtype=np.int64) * count)
    codes %= max(count, 1)
    return ForwardLinks(starts, codes)


@dataclass(frozen=True, eq=False)
class EqualClasses:
    """Classes of ranks that are all linked to each other, without a list of their pairs.

    Attributes:
        members: int64, shape (m,): ranks, class after class, ascending within a class.
        starts: int64, shape (classes + 1,): class c is members[starts[c]:starts[c + 1]].
    """

    members: IndexArray
    starts: IndexArray

    def class_of_place(self) -> IndexArray:
        """The class of every entry of `members`."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


def choose_kept(
    links: ForwardLinks, equal: EqualClasses, spared: Mapping[int, IndexArray], pinned: int
) -> BoolArray:
    """Keep each rank in turn unless it is linked to one already kept.

    The kept ranks are pairwise unlinked, but for pinned ones, and every other rank is linked to a
    kept one. Time is linear in ranks, links and members of classes.

    Args:
        links: Between ranks.
        equal: Further links.
        spared: Rank to the ranks that it is not linked to, whatever classes they share.
        pinned: The first so many ranks are kept in any case.

    Returns:
        Whether each rank is kept, shape (count,).
    """
    blocked = np.zeros(links.count, dtype=bool)
    block_equal = _EqualBlocking(equal, spared, blocked)
    linked = np.diff(links.starts) > 0
    linked[equal.members] = True
    starts = links.starts.tolist()
    for rank in np.flatnonzero(linked).tolist():
        if rank >= pinned and blocked[rank]:
            continue
        blocked[links.later[starts[rank] : starts[rank + 1]]] = True
        block_equal.for_kept(rank)
    kept: BoolArray = ~blocked
    kept[:pinned] = True
    return kept


class _EqualBlocking:
    """Blocks the equals of ranks that are kept, each class once unless a person spared a pair."""

    def __init__(
        self, equal: EqualClasses, spared: Mapping[int, IndexArray], blocked: BoolArray
    ) -> None:
        self._equal, self._spared, self._blocked = equal, spared, blocked
        self._done = bytearray(max(len(equal.starts) - 1, 0))
        self._class_of = equal.class_of_place()
        self._places: dict[int, list[int]] = {}
        for place, rank in enumerate(equal.members.tolist()):
            self._places.setdefault(rank, []).append(place)

    def for_kept(self, rank: int) -> None:
        """Block all less wanted equals of a rank that is kept."""
        for place in self._places.get(rank, ()):
            label = int(self._class_of[place])
            if self._done[label]:
                continue
            rest = self._equal.members[place + 1 : self._equal.starts[label + 1]]
            if rank in self._spared:
                rest = rest[~np.isin(rest, self._spared[rank])]
            else:
                self._done[label] = True
            self._blocked[rest] = True
