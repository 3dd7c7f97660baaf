"""The kept images of a workspace, by verdicts that are up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isekai_gen.prompts.catalog import Catalog, load_catalog
from isekai_gen.records import Concept, ImageRecord, Verdict, select_kept
from isekai_gen.release.content import dropping_verdicts
from isekai_gen.stages import dedupe, overlap
from isekai_gen.stages.context import StageContext, require_plan
from isekai_gen.stages.curate import gather_records, read_verdicts
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.judging import judge_by_records


@dataclass(frozen=True, eq=False)
class Selection:
    """What is kept and what is dropped.

    Attributes:
        catalog: The catalog as used.
        records: Every image drawn so far.
        kept: Ids of kept images, in the order of the records.
        dropped: Every other generated image's id to the verdict that counts.
    """

    catalog: Catalog
    records: Sequence[ImageRecord]
    kept: Sequence[str]
    dropped: Mapping[str, Verdict]

    def kept_by_concept(self) -> dict[str, list[ImageRecord]]:
        """Concept slug to its kept images; every concept of the catalog is there."""
        kept = set(self.kept)
        found: dict[str, list[ImageRecord]] = {c.slug: [] for c in self.catalog.concepts}
        for record in self.records:
            if record.image_id in kept:
                found[record.concept].append(record)
        return found

    def groups(self) -> list[tuple[Concept, Concept]]:
        """(fictional, real) of every group."""
        return [(group.fictional, group.real) for group in self.catalog.groups]


def refresh_verdicts(context: StageContext) -> None:
    """Decide again what filters decided before, if what they judged by has changed.

    Filters that were never run are left alone, but for those that need records only: they always
    judge, so that no image that a safety checker flagged counts as kept.
    """
    workspace = context.workspace
    overlapped = bool(workspace.parts(workspace.verdicts(overlap.FILTER)))
    deduped = bool(workspace.parts(workspace.verdicts(dedupe.FILTER)))
    if overlapped:
        overlap.judge_overlap(context)
    if deduped:
        dedupe.dedupe(context)
    if not (overlapped or deduped):  # either of them judges by records, too
        judge_by_records(context, gather_records(workspace))


def select(context: StageContext) -> Selection:
    """Refresh the verdicts and apply them; the caller holds the workspace's lock.

    Raises:
        InputError: If there is no plan.
    """
    workspace = context.workspace
    require_plan(workspace)
    refresh_verdicts(context)
    records, verdicts = read_drawn(workspace), read_verdicts(workspace)
    if not verdicts[overlap.FILTER] and not verdicts[dedupe.FILTER]:
        context.reporter.note(
            "Neither overlap nor dedupe has judged these images yet: "
            "what they would drop counts as kept"
        )
    kept, dropped = select_kept(records, verdicts, read_decisions(workspace))
    return Selection(
        catalog=load_catalog(workspace.catalog_file),
        records=records,
        kept=kept,
        dropped=dropping_verdicts(dropped, verdicts),
    )
