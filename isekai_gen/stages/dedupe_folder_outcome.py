"""From what was found outside a workspace to files and a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from isekai_gen.filters.duplicates import DuplicateDecision
from isekai_gen.neighbors.groups import DuplicateGroup
from isekai_gen.stages.dedupe_folder_files import (
    Keys,
    Review,
    encode_edges,
    encode_failures,
    encode_groups,
    encode_review,
    encode_verdicts,
)
from isekai_gen.stages.dedupe_folder_found import TierFound
from isekai_gen.stages.dedupe_folder_out import OutFolder
from isekai_gen.stages.dedupe_folder_report import OutsideReport, Phases
from isekai_gen.stages.dedupe_folder_verdicts import RowVerdicts
from isekai_gen.stages.dedupe_report import TierReport


@dataclass(frozen=True, eq=False)
class Outcome:
    """Everything that is written and told.

    Attributes:
        inputs: Name to path of what was compared.
        keys: Of the rows, or None.
        other_keys: Of the rows of the other set, or None.
        verdicts: Of all rows.
        review: Pairs for people to look at.
        groups: What pairs connect.
        dropped_by_components: What keeping one of each connected group would drop.
        within: What the comparisons found within the set.
        against: What they found between the two sets; None if there is no other.
        failures: Key to why a picture could not be used.
        against_failed: Pictures of the other set that could not be used.
        unread: Pictures of either that a later run tries again.
        skipped: Suffix to files that are no pictures.
        edge_keys: Whether the files of pairs name keys too.
    """

    inputs: Mapping[str, str]
    keys: Keys
    other_keys: Keys
    verdicts: RowVerdicts
    review: Sequence[Review]
    groups: Sequence[DuplicateGroup]
    dropped_by_components: int
    within: Sequence[TierFound]
    against: Sequence[TierFound] | None
    failures: Mapping[str, str] = field(default_factory=dict)
    against_failed: int = 0
    unread: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    edge_keys: bool = True


def review_of(
    decision: DuplicateDecision, against: Sequence[TierFound], verdicts: RowVerdicts
) -> list[Review]:
    """Pairs in a review band: of kept rows, and of kept rows with rows of the other set."""
    own = [
        Review(one.found.tier, one.pairs, one.found.max_similarity, of_other=False)
        for one in decision.review
    ]
    others = [
        Review(
            found.limits.tier,
            found.in_review(verdicts.kept),
            found.limits.max_similarity,
            of_other=True,
        )
        for found in against
    ]
    return [*own, *others]


def write_outcome(
    folder: OutFolder, fingerprint: str, outcome: Outcome, phases: Phases
) -> OutsideReport:
    """Write all files, the summary last.

    Raises:
        StorageError: If the disk is full.
    """
    with phases.phase("write"):
        digests = folder.write_files(_files(outcome))
    verdicts = outcome.verdicts
    report = OutsideReport(
        inputs=outcome.inputs,
        found=len(verdicts.kept) + len(outcome.failures),
        kept=int(verdicts.kept.sum()),
        dropped=int((~verdicts.kept).sum()),
        failed=len(outcome.failures),
        against_failed=outcome.against_failed,
        unread=outcome.unread,
        dropped_against=int(verdicts.of_other.sum()),
        dropped_by_components=outcome.dropped_by_components,
        reasons=verdicts.reasons,
        skipped=dict(outcome.skipped),
        groups=len(outcome.groups),
        review_pairs=sum(len(one.pairs) for one in outcome.review),
        tiers=_tier_reports(outcome, outcome.within, of_other=False),
        against_tiers=_tier_reports(outcome, outcome.against or (), of_other=True),
        seconds=dict(phases.seconds),
        out=str(folder.root),
        files=(*digests, "summary.json"),
    )
    folder.finish(fingerprint, digests, report.to_json())
    return report


def _files(outcome: Outcome) -> dict[str, bytes]:
    keys, other_keys = outcome.keys, outcome.other_keys
    named, other_named = (keys, other_keys) if outcome.edge_keys else (None, None)
    files = {
        "edges.parquet": encode_edges(outcome.within, named, named),
        "groups.jsonl": encode_groups(outcome.groups, keys),
        "verdicts.jsonl": encode_verdicts(outcome.verdicts, keys, other_keys),
        "review.jsonl": encode_review(outcome.review, keys, other_keys),
        "failures.jsonl": encode_failures(outcome.failures),
    }
    if outcome.against is not None:
        files["edges-against.parquet"] = encode_edges(outcome.against, named, other_named)
    return files


def _tier_reports(
    outcome: Outcome, tiers: Sequence[TierFound], *, of_other: bool
) -> dict[str, TierReport]:
    verdicts = outcome.verdicts
    here = ~verdicts.kept & (verdicts.of_other == of_other)
    return {
        found.limits.tier: found.report(
            dropped=int(np.count_nonzero(here & (verdicts.tier == found.limits.tier))),
            review_pairs=sum(
                len(one.pairs)
                for one in outcome.review
                if (one.tier, one.of_other) == (found.limits.tier, of_other)
            ),
            searched=len(verdicts.kept),
        )
        for found in tiers
    }
