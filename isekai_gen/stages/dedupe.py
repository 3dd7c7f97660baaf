"""Find near-duplicates among the generated images, and judge which to keep.

What is looked at, embedded and searched stays on disk and grows by what is new; the decision is
made anew whenever images, limits, earlier verdicts or people's decisions change.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from isekai_gen.filters.duplicates import dropped_by_limits_alone
from isekai_gen.filters.duplicates_groups import dropped_by_components, group_duplicates
from isekai_gen.hashing import digest_of
from isekai_gen.shards import read_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import with_context
from isekai_gen.stages.dedupe_facts import (
    FILTER,
    PICTURES,
    Clock,
    DuplicateFacts,
    gather_duplicate_facts,
)
from isekai_gen.stages.dedupe_report import DedupeReport, tier_reports
from isekai_gen.stages.duplicate_lists import DuplicateLists, gather_lists
from isekai_gen.stages.duplicate_reports import report_files, write_duplicate_reports
from isekai_gen.stages.embedding_files import embed_stage
from isekai_gen.stages.judging import Judged, judge
from isekai_gen.stages.limits import DuplicateLimits, duplicate_filter, duplicate_limits

__all__ = ["FILTER", "DedupeReport", "dedupe", "linked_groups"]


def dedupe(context: StageContext, *, dry_run: bool = False) -> DedupeReport:
    """Verdicts of the near-duplicate filter, of those by records, and of that of pictures.

    Looks at pictures, embeds and searches first where needed. Lists for people go to
    reports/duplicates/. The caller holds the workspace's lock.

    Args:
        context: The workspace.
        dry_run: Whether verdicts, reports and settings stay as they are; what is looked at,
            embedded and searched is kept all the same.

    Raises:
        InputError: If limits contradict each other, or there is nothing to judge.
    """
    context = replace(context, dry_run=dry_run or context.dry_run)
    clock = Clock()
    limits = duplicate_limits(context)
    judging = duplicate_filter(limits)
    known = gather_duplicate_facts(context, limits, clock)
    with clock.phase("deciding"):
        judged = judge(context, known.facts, judging, _inputs(context, known))
        decided = judging.decide(known.facts.all_images, known.facts.context)
        lists = gather_lists(known, decided, limits)
    with clock.phase("reporting"):
        report = _report(known, judged, lists, limits)
        if not context.dry_run:
            write_duplicate_reports(context.workspace, lists, report.to_summary())
            root = context.workspace.root
            files = [path.relative_to(root).as_posix() for path in report_files(context.workspace)]
            report = replace(report, files=tuple(files), dry_run=False)
    context.remember_settings(FILTER, PICTURES)
    return replace(report, seconds={name: round(s, 3) for name, s in clock.seconds.items()})


def linked_groups(context: StageContext, kept: Collection[str]) -> list[frozenset[str]]:
    """Groups of kept images that are still connected by pairs above a limit.

    Only people's decisions leave such pairs among kept images. The caller holds the workspace's
    lock.
    """
    limits = duplicate_limits(context)
    known = gather_duplicate_facts(context, limits, Clock())
    wanted = frozenset(kept)
    images = [image for image in known.facts.all_images if image.image_id in wanted]
    undecided = with_context(known.facts, decisions=(), already_dropped=frozenset())
    decided = duplicate_filter(limits).decide(images, undecided.context)
    groups = group_duplicates(decided.request, decided.decision)
    return [frozenset(decided.ids[row] for row in group.members) for group in groups]


def _inputs(context: StageContext, known: DuplicateFacts) -> dict[str, object]:
    """Digests of what verdicts depend on beside limits, images and decisions."""
    stage = embed_stage(known.facts.embedded.encoder)
    markers = [read_marker(context.workspace, stage, part) for part in known.facts.images]
    return {
        "edges": {tier: found.digest for tier, found in known.stored.items()},
        "background": digest_of(dict(known.facts.context.background)),
        "alignment": [marker.digest for marker in markers if marker is not None],
    }


def _report(
    known: DuplicateFacts, judged: Judged, lists: DuplicateLists, limits: DuplicateLimits
) -> DedupeReport:
    """The numbers, as of a dry run that took no time."""
    decision, request = lists.decided.decision, lists.decided.request
    images = len(lists.decided.ids)
    before = int((decision.reason == "dropped_before").sum())
    dropped = int(decision.dropped.sum())
    relative = limits.relative_quantile is not None
    return DedupeReport(
        verdicts=judged.report,
        picture_check=known.picture_check.report,
        tiers=tier_reports(limits, known.stored, lists),
        images=images,
        dropped_before=before,
        judged=images - before,
        kept=images - before - dropped,
        dropped=dropped,
        marked=int((decision.tier[decision.dropped] == "person").sum()),
        dropped_by_components=dropped_by_components(request),
        dropped_by_absolute=dropped_by_limits_alone(request) if relative else None,
        groups=len(lists.groups),
        review_pairs=len(lists.review),
        memorized=len(lists.memorized),
    )
