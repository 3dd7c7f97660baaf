"""What dedupe found and decided, as numbers that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from isekai_gen.intervals import Interval
from isekai_gen.settings import Tier
from isekai_gen.stages.duplicate_lists import DuplicateLists
from isekai_gen.stages.edge_store import StoredEdges
from isekai_gen.stages.judging import VerdictReport
from isekai_gen.stages.limits import DuplicateLimits


@dataclass(frozen=True)
class TierReport:
    """What one comparison found.

    Attributes:
        edges: Pairs listed; of the tier exact, which lists none, images that equal another.
        floor: Lowest similarity listed. It and both limits are None of the tier exact.
        max_similarity: Above it pairs are duplicates.
        review_similarity: Above it, up to `max_similarity`, people look.
        limit_source: "option/isekai.toml", "calibration" or "default"; "" of the tier exact.
        dropped: Images dropped with a witness from this tier.
        review_pairs: Pairs of kept images in the review band.
        mode: "exact" or "approximate".
        method: What proposed the pairs.
        why: Why this mode and method were chosen.
        complete: Whether every pair at or above the floor is listed.
        recall: Measured share of these pairs that is listed; None if all are.
        searched: Images that were compared with the others just now; 0 if all pairs were stored.
    """

    edges: int
    floor: float | None
    max_similarity: float | None
    review_similarity: float | None
    limit_source: str
    dropped: int
    review_pairs: int
    mode: str
    method: str
    why: str
    complete: bool
    recall: Interval | None
    searched: int

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)


@dataclass(frozen=True)
class DedupeReport:
    """What dedupe found and decided.

    images = dropped_before + judged; judged = kept + dropped; dropped is the sum over the tiers and
    `marked`.

    Attributes:
        verdicts: The near-duplicate filter's report.
        picture_check: The report of the filter that looks at pictures before.
        tiers: Name of each comparison made to what it found.
        images: Generated images.
        dropped_before: Of these, dropped by people or by filters declared earlier.
        judged: The others.
        kept: Of the judged ones.
        dropped: Of the judged ones, as near-duplicates.
        marked: Of the dropped ones, those of a pair that a person marked.
        dropped_by_components: What keeping one image of each connected group would drop.
        dropped_by_absolute: What the absolute limits alone would drop; None without the relative
            rule.
        groups: Duplicate groups.
        review_pairs: Pairs of kept images that people should look at.
        memorized: Prompts that give nearly the same picture whatever the seed.
        seconds: Phase to seconds.
        files: Reports written, relative to the workspace.
        dry_run: Whether verdicts, reports and settings stayed as they were.
    """

    verdicts: VerdictReport
    picture_check: VerdictReport
    tiers: Mapping[str, TierReport]
    images: int
    dropped_before: int
    judged: int
    kept: int
    dropped: int
    marked: int
    dropped_by_components: int
    dropped_by_absolute: int | None
    groups: int
    review_pairs: int
    memorized: int
    seconds: Mapping[str, float] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    dry_run: bool = True

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict with every field."""
        return {
            **self.__dict__,
            "verdicts": self.verdicts.to_json(),
            "picture_check": self.picture_check.to_json(),
            "tiers": {name: tier.to_json() for name, tier in self.tiers.items()},
            "seconds": dict(self.seconds),
            "files": list(self.files),
        }

    def to_summary(self) -> dict[str, Any]:
        """What depends on images, limits and decisions alone, not on this run: for the disk."""
        row = self.to_json()
        for of_this_run in ("seconds", "files", "dry_run"):
            del row[of_this_run]
        for report in ("verdicts", "picture_check"):
            del row[report]["decided"]
        for tier in row["tiers"].values():
            del tier["searched"]
        return row


def tier_reports(
    limits: DuplicateLimits, stored: Mapping[Tier, StoredEdges], lists: DuplicateLists
) -> dict[str, TierReport]:
    """Each comparison made, in the declared order, to what it found."""
    decision = lists.decided.decision
    dropped = Counter(decision.tier[decision.dropped].tolist())
    review = Counter(pair.tier for pair in lists.review)
    reports: dict[str, TierReport] = {}
    for tier in limits.tiers:
        if tier == "exact":
            reports[tier] = _exact_tier(lists, dropped[tier])
            continue
        found = stored[tier]
        limit, review_limit = limits.similarity_limits(tier)
        reports[tier] = TierReport(
            edges=len(found.edges),
            floor=found.edges.floor,
            max_similarity=limit,
            review_similarity=review_limit,
            limit_source=limits.source_of(tier),
            dropped=dropped[tier],
            review_pairs=review[tier],
            mode=found.report.mode,
            method=found.report.method,
            why=found.report.why,
            complete=found.edges.complete,
            recall=found.edges.recall,
            searched=found.searched,
        )
    return reports


def _exact_tier(lists: DuplicateLists, dropped: int) -> TierReport:
    _, equal = lists.decided.request.equal_rows()
    return TierReport(
        edges=len(np.unique(equal)),
        floor=None,
        max_similarity=None,
        review_similarity=None,
        limit_source="",
        dropped=dropped,
        review_pairs=0,
        mode="exact",
        method="SHA-256 of bytes and of pixels",
        why="equal digests need no search",
        complete=True,
        recall=None,
        searched=0,
    )
