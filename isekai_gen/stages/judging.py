"""Run filters over the images of a workspace and keep their verdicts on disk.

Verdicts are cheap to decide again from stored embeddings and edges, so they follow their inputs:
when limits, embeddings, earlier verdicts or people's decisions change, they are re-decided.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from isekai_gen.filters import FilterContext, all_filters
from isekai_gen.filters.base import NOTHING_TO_JUDGE, ImageFilter
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.records import Verdict
from isekai_gen.shards import DoneMarker, read_marker, write_marker, write_records
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.curate import RecordFacts, make_filter, verdicts_of
from isekai_gen.stages.fingerprints import fingerprint_of
from isekai_gen.stages.reporting import SilentReporter
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class VerdictReport:
    """What a filter decided.

    Attributes:
        by: The filter's name.
        judged: Images judged.
        dropped: Of these, dropped by this filter.
        reasons: Reason to number of images.
        decided: Whether anything was decided anew.
    """

    by: str
    judged: int
    dropped: int
    reasons: Mapping[str, int]
    decided: bool

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**self.__dict__, "reasons": dict(self.reasons)}


@dataclass(frozen=True, eq=False)
class Judged:
    """A filter's verdicts and what they come to.

    Attributes:
        report: The numbers.
        verdicts: Image id to verdict; empty if the filter had nothing to judge by.
    """

    report: VerdictReport
    verdicts: Mapping[str, Verdict]


def judge_by_records(context: StageContext, facts: RecordFacts) -> dict[str, Judged]:
    """Verdicts of every filter that needs records only, with its default limits.

    They come before the filters that look at pictures, and leave nothing on disk where there is
    nothing to judge. The caller holds the workspace's lock.

    Returns:
        Name of each such filter to its verdicts, in the declared order.
    """
    workspace = context.workspace
    quiet = replace(context, reporter=SilentReporter())  # too fast for a progress bar
    alone = replace(facts, context=FilterContext(decisions=facts.context.decisions))
    inputs = {"records": [file_sha256(workspace.part("records", part)) for part in facts.images]}
    found = {
        name: judge(quiet, alone, make_filter(name, {}), inputs)
        for name, judging in all_filters().items()
        if not judging.needs
    }
    for report in (judged.report for judged in found.values()):
        if report.decided and report.dropped:
            context.reporter.note(f"{report.by} drops {report.dropped} of {report.judged} images")
    return found


def decide(
    context: StageContext, facts: RecordFacts, judging: ImageFilter, inputs: Mapping[str, Any]
) -> VerdictReport:
    """The report of `judge`."""
    return judge(context, facts, judging, inputs).report


def judge(
    context: StageContext, facts: RecordFacts, judging: ImageFilter, inputs: Mapping[str, Any]
) -> Judged:
    """Run a filter over all images and write its verdicts, unless nothing changed.

    If it has nothing to judge any image by, and had nothing before, no file is written; nor is any
    in a dry run.

    Args:
        context: The workspace.
        facts: What to judge by, complete for this filter.
        judging: The filter.
        inputs: Digests of what the verdicts depend on beside limits, images and decisions.
    """
    workspace = context.workspace
    images = facts.all_images
    fingerprint = fingerprint_of(
        {"filter": judging.name, "limits": _limits(judging), **inputs},
        {
            "images": digest_of([image.image_id for image in images]),
            "dropped": sorted(facts.context.already_dropped),
            "decisions": [decision.to_json() for decision in facts.context.decisions],
        },
    )
    stale = [
        part for part in facts.images if not _is_current(workspace, judging, part, fingerprint)
    ]
    if stale:
        fresh = _judge_all(context, facts, judging)
        if _is_idle(workspace, judging.name, fresh):
            return _judged(judging.name, {}, decided=False)
        if not context.dry_run:
            _write(workspace, facts, judging, fresh, fingerprint)
        return _judged(judging.name, {one.image_id: one for one in fresh}, decided=True)
    return _judged(judging.name, verdicts_of(workspace, judging.name), decided=False)


def _judge_all(context: StageContext, facts: RecordFacts, judging: ImageFilter) -> list[Verdict]:
    """Verdicts of a filter, with progress; one that has nothing to judge by is not spoken of."""
    images = facts.all_images
    verdicts = iter(judging.judge(images, facts.context))
    reporter = context.reporter
    fresh = []
    if not context.workspace.parts(context.workspace.verdicts(judging.name)):
        fresh = list(itertools.islice(verdicts, 1))
        if _is_idle(context.workspace, judging.name, fresh):
            reporter = SilentReporter()
    with reporter.task(f"Judging: {judging.name}", len(images)) as advance:
        fresh += verdicts
        advance(len(images))
    return fresh


def _limits(judging: ImageFilter) -> dict[str, Any]:
    return asdict(judging)  # type: ignore[call-overload, no-any-return]


def _is_current(workspace: Workspace, judging: ImageFilter, part: int, fingerprint: str) -> bool:
    marker = read_marker(workspace, workspace.verdicts(judging.name), part)
    path = workspace.part(workspace.verdicts(judging.name), part)
    return (
        marker is not None
        and marker.fingerprint == fingerprint
        and path.exists()
        and marker.digest == file_sha256(path)
    )


def _is_idle(workspace: Workspace, name: str, verdicts: Sequence[Verdict]) -> bool:
    """Whether a filter has nothing to judge by; earlier verdicts must be replaced all the same."""
    return not workspace.parts(workspace.verdicts(name)) and all(
        verdict.reason == NOTHING_TO_JUDGE for verdict in verdicts
    )


def _write(
    workspace: Workspace,
    facts: RecordFacts,
    judging: ImageFilter,
    verdicts: Sequence[Verdict],
    fingerprint: str,
) -> None:
    """One part of verdicts for each part of records."""
    by_id = {verdict.image_id: verdict for verdict in verdicts}
    folder = workspace.verdicts(judging.name)
    for part, images in facts.images.items():
        rows = [by_id[image.image_id] for image in images]
        path = workspace.part(folder, part)
        write_records(path, rows)
        counts = {"judged": len(rows), "dropped": sum(not row.keep for row in rows)}
        write_marker(workspace, DoneMarker(folder, part, fingerprint, counts, file_sha256(path)))


def _judged(name: str, verdicts: Mapping[str, Verdict], *, decided: bool) -> Judged:
    reasons = Counter(verdict.reason for verdict in verdicts.values())
    report = VerdictReport(
        by=name,
        judged=len(verdicts),
        dropped=sum(not verdict.keep for verdict in verdicts.values()),
        reasons=dict(sorted(reasons.items())),
        decided=decided,
    )
    return Judged(report, verdicts)
