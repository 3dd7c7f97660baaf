"""What a decision about duplicates rests on, as arrays over rows; nothing is decided here.

A row is one image, whatever it comes from: a workspace, a folder, a line of a matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray
from isekai_gen.settings.curation import Tier

BoolArray = npt.NDArray[np.bool_]
Equality = Literal["same_bytes", "same_pixels"]
EQUALITIES: tuple[Equality, ...] = get_args(Equality)
"""What exactly equal rows have in common, the stronger evidence first."""


HASH_BITS = 64
"""Bits of a perceptual hash; the similarity of two hashes is the share of bits that agree."""


def radius_limit(radius: int) -> float:
    """The similarity that hashes lie above if they differ in at most `radius` bits, and only then.

    >>> radius_limit(4)
    0.921875
    """
    return 1.0 - (radius + 1) / HASH_BITS


def no_rows() -> IndexArray:
    """An empty list of rows."""
    return np.zeros(0, dtype=np.int64)


def no_pairs() -> IndexArray:
    """An empty list of pairs of rows, shape (0, 2)."""
    return np.zeros((0, 2), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class TierPairs:
    """Similar pairs that one kind of comparison found, and its limits.

    Attributes:
        tier: "perceptual", "semantic" or "extra".
        pairs: Rows with row_a < row_b; every pair above `review_similarity` is listed.
        max_similarity: Two rows with a similarity above it are duplicates.
        review_similarity: Above it, and at or below `max_similarity`, people look; it is at most
            `max_similarity`.
        also_above: float64, shape (len(pairs),): a pair counts, as a duplicate or for review, only
            if its similarity is also above this; None to let the limits alone decide.
    """

    tier: Tier
    pairs: PairList
    max_similarity: float
    review_similarity: float
    also_above: ScoreArray | None = None

    def __post_init__(self) -> None:
        if self.tier not in get_args(Tier) or self.tier == "exact":
            raise ValueError(f"no tier of similar pairs: {self.tier!r}")
        if not -1.0 <= self.review_similarity <= self.max_similarity <= 1.0:
            raise ValueError(
                f"{self.tier}: review_similarity {self.review_similarity} and max_similarity "
                f"{self.max_similarity} must ascend within [-1, 1]"
            )
        if not (self.pairs.row_a < self.pairs.row_b).all():
            raise ValueError(f"{self.tier}: a pair does not name two rows in ascending order")
        if self.also_above is not None and self.also_above.shape != self.pairs.row_a.shape:
            raise ValueError(
                f"{self.tier}: also_above must have shape {self.pairs.row_a.shape}, got "
                f"{self.also_above.shape}"
            )


@dataclass(frozen=True, eq=False)
class DuplicateRequest:
    """Everything that decides which of `count` rows are kept.

    Attributes:
        count: Rows.
        priority: int64, shape (count,): every row once, most wanted first.
        tiers: Each tier at most once. The order is the precedence of evidence: a dropped row's
            witness comes from the first tier that has one.
        equal: What is equal, and the rows that are, for each class of exactly equal rows. The cost
            grows with the members of a class, not with its pairs.
        pinned: Rows that a person keeps. They come before all others, and all of them stay.
        marked: int64, shape (k, 2): pairs that a person called duplicates, whatever their
            similarity and scope.
        spared: int64, shape (k, 2): pairs that a person called no duplicates.
        scope: int64, shape (count,): pairs across labels do not count; None if all pairs do.
        absent: Rows that were dropped before: neither judged nor anybody's witness.
    """

    count: int
    priority: IndexArray
    tiers: Sequence[TierPairs] = ()
    equal: Sequence[tuple[Equality, IndexArray]] = ()
    pinned: IndexArray = field(default_factory=no_rows)
    marked: IndexArray = field(default_factory=no_pairs)
    spared: IndexArray = field(default_factory=no_pairs)
    scope: IndexArray | None = None
    absent: IndexArray = field(default_factory=no_rows)

    def __post_init__(self) -> None:
        if not np.array_equal(np.sort(self.priority), np.arange(self.count)):
            raise ValueError(f"priority must name each of {self.count} rows once")
        if self.scope is not None and self.scope.shape != (self.count,):
            raise ValueError(f"scope must have shape ({self.count},), got {self.scope.shape}")
        tiers = [one.tier for one in self.tiers]
        if len(set(tiers)) != len(tiers):
            raise ValueError(f"a tier comes twice: {tiers}")
        if not {what for what, _ in self.equal} <= set(EQUALITIES):
            raise ValueError(f"equal rows have one of {EQUALITIES} in common")
        self._check_rows()
        if np.intersect1d(self.pinned, self.absent).size:
            raise ValueError("a row is both pinned and absent")
        if np.intersect1d(self.codes_of(self.marked), self.codes_of(self.spared)).size:
            raise ValueError("a pair is both marked and spared")

    def _check_rows(self) -> None:
        for name, pairs in (("marked", self.marked), ("spared", self.spared)):
            if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs[:, 0] == pairs[:, 1]).any():
                raise ValueError(f"{name} must be pairs of two rows, shape (k, 2)")
        label, members = self.equal_rows()
        named: list[tuple[str, IndexArray]] = [
            ("pinned", self.pinned),
            ("absent", self.absent),
            ("equal", members),
            ("marked", self.marked),
            ("spared", self.spared),
        ]
        for one in self.tiers:
            named += [(one.tier, one.pairs.row_a), (one.tier, one.pairs.row_b)]
        for name, rows in named:
            if rows.size and not (rows.min() >= 0 and rows.max() < self.count):
                raise ValueError(f"{name} names a row that is not one of {self.count}")
        if len(np.unique(label * self.count + members)) != len(members):
            raise ValueError("a class of equal rows names a row twice")

    def equal_rows(self) -> tuple[IndexArray, IndexArray]:
        """Every member of every class of equal rows: number of the class, and row."""
        rows = np.concatenate([no_rows(), *(rows for _, rows in self.equal)])
        size = [len(rows) for _, rows in self.equal]
        return np.repeat(np.arange(len(size), dtype=np.int64), size), rows

    def codes_of(self, pairs: IndexArray) -> IndexArray:
        """One number for each pair of rows, shape (k,): equal pairs, in either order, have one."""
        codes: IndexArray = pairs.min(axis=1) * self.count + pairs.max(axis=1)
        return codes
