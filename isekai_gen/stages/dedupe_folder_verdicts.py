"""Verdicts on rows outside a workspace: within one set, and before that against another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.filters.duplicates import DuplicateDecision
from isekai_gen.filters.duplicates_evidence import TIER_REASONS
from isekai_gen.neighbors.groups import component_of
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray
from isekai_gen.stages.dedupe_folder_found import BoolArray, TierFound

NameArray = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class RowVerdicts:
    """One verdict per row, as arrays of shape (n,).

    Attributes:
        kept: Whether the row is kept.
        witness: int64: the row on whose account one is dropped, -1 where there is none.
        of_other: Whether the witness is a row of the other set.
        similarity: float32: of the evidence, NaN where there is none.
        limit: float64: what it was compared with, NaN where nothing was.
        tier: The comparison that the evidence comes from, or "".
        reason: As `DuplicateDecision` has it.
    """

    kept: BoolArray
    witness: IndexArray
    of_other: BoolArray
    similarity: FloatArray
    limit: ScoreArray
    tier: NameArray
    reason: NameArray

    @property
    def reasons(self) -> dict[str, int]:
        """Reason to how many rows have it."""
        return dict(sorted(Counter(self.reason.tolist()).items()))

    def take(self, rows: IndexArray) -> RowVerdicts:
        """These rows' verdicts, in the order given; witnesses stay what they are."""
        return RowVerdicts(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def judge_against(
    count: int, equal: Mapping[str, IndexArray], tiers: Sequence[TierFound]
) -> RowVerdicts:
    """Drop every row that duplicates one of another set, which itself is never judged.

    Evidence: equality first (bytes before pixels), then the tiers in their order, the most similar
    row of the first that has one.

    Args:
        count: Rows to judge.
        equal: "same_bytes" and "same_pixels" to the equal row of the other set, -1 for none.
        tiers: What the comparisons found.
    """
    verdicts = _blank_verdicts(count)
    for reason, other in equal.items():
        rows = np.flatnonzero(verdicts.kept & (other >= 0))
        _drop(verdicts, rows, other[rows], "exact", reason)
        verdicts.similarity[rows] = 1.0
    for found in tiers:
        place = found.strongest(verdicts.kept)
        rows = found.pairs.row_a[place]
        tier = found.limits.tier
        _drop(verdicts, rows, found.pairs.row_b[place], tier, TIER_REASONS[tier])
        verdicts.similarity[rows] = found.pairs.similarity[place]
        verdicts.limit[rows] = found.limits.max_similarity
    return verdicts


def _blank_verdicts(count: int) -> RowVerdicts:
    """Every row kept, for no reason yet."""
    return RowVerdicts(
        kept=np.ones(count, dtype=bool),
        witness=np.full(count, -1, dtype=np.int64),
        of_other=np.zeros(count, dtype=bool),
        similarity=np.full(count, np.nan, dtype=np.float32),
        limit=np.full(count, np.nan),
        tier=np.full(count, "", dtype=object),
        reason=np.full(count, "", dtype=object),
    )


def _drop(
    verdicts: RowVerdicts, rows: IndexArray, witness: IndexArray, tier: str, reason: str
) -> None:
    verdicts.kept[rows], verdicts.of_other[rows] = False, True
    verdicts.witness[rows] = witness
    verdicts.tier[rows], verdicts.reason[rows] = tier, reason


def joined_verdicts(against: RowVerdicts, decision: DuplicateDecision) -> RowVerdicts:
    """What was dropped against the other set, and the decision on the rest.

    Args:
        against: From `judge_against`.
        decision: With the rows that `against` drops as absent.
    """
    here = against.kept
    return RowVerdicts(
        kept=decision.kept,
        witness=np.where(here, decision.witness, against.witness),
        of_other=against.of_other,
        similarity=np.where(here, decision.similarity, against.similarity),
        limit=np.where(here, decision.limit, against.limit),
        tier=np.where(here, decision.tier, against.tier),
        reason=np.where(here, decision.reason, against.reason),
    )


def components_of(count: int, links: Sequence[PairList], present: BoolArray) -> IndexArray:
    """The connected component of every row.

    Args:
        count: Rows.
        links: Pairs that connect rows.
        present: Whether a row counts, shape (count,).
    """
    row_a = np.concatenate([np.zeros(0, dtype=np.int64), *(pairs.row_a for pairs in links)])
    row_b = np.concatenate([np.zeros(0, dtype=np.int64), *(pairs.row_b for pairs in links)])
    both = present[row_a] & present[row_b]
    return component_of(count, row_a[both], row_b[both])


def group_order(priority: IndexArray, kept: BoolArray, present: BoolArray) -> IndexArray:
    """Rows as representatives of groups: kept ones first, each by priority; absent ones left."""
    judged = priority[present[priority]]
    is_kept = kept[judged]
    return np.concatenate([judged[is_kept], judged[~is_kept]])


def dropped_by_components(component: IndexArray, order: IndexArray) -> int:
    """What keeping one row of each component would drop.

    Args:
        component: From `components_of`.
        order: Rows that are judged.
    """
    there = np.zeros(len(component), dtype=bool)
    there[component[order]] = True
    return len(order) - int(there.sum())
