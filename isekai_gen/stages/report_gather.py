"""Gather the report's numbers from a workspace; changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.records import last_decisions
from isekai_gen.stages.calibration_files import read_calibration
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.stages.edge_labels import edge_labels
from isekai_gen.stages.report_images import ReportImages, Wanted, find_images
from isekai_gen.stages.report_numbers import DecisionCounts, ReportNumbers
from isekai_gen.stages.report_pairs import TierPairs, tier_pairs
from isekai_gen.stages.report_sources import (
    DuplicateFindings,
    Released,
    read_audit,
    read_duplicates,
    read_fictionality,
    read_released,
    read_shortcut_report,
)
from isekai_gen.stages.report_wanted import WantedPictures, wanted_pictures
from isekai_gen.stages.status import Status, read_status
from isekai_gen.stages.topup_rounds import read_quota
from isekai_gen.stages.yields import YieldReport, read_yields
from isekai_gen.tool_version import tool_version
from isekai_gen.workspace import Workspace


@dataclass(frozen=True, eq=False)
class GatheredReport:
    """What the report is made of.

    Attributes:
        numbers: What it tells.
        wanted: What it shows.
        images: Those that were found of it.
    """

    numbers: ReportNumbers
    wanted: WantedPictures
    images: ReportImages


def gather_report(context: StageContext, release: Path | None) -> GatheredReport:
    """Everything the report says and shows; the caller holds the workspace's lock.

    Args:
        context: The workspace.
        release: Folder of its release; None for the one that `run` leaves in it.

    Raises:
        InputError: If there is no plan, or `release` is no release.
        ChecksumError: If a file is damaged; says what to run.
    """
    workspace = context.workspace
    status, duplicates = read_status(workspace), read_duplicates(workspace)
    catalog, yields = load_catalog(workspace.catalog_file), read_yields(workspace)
    released = read_released(workspace, release)
    wanted = wanted_pictures(catalog, status, duplicates)
    images = find_images(context, status, Wanted(wanted.per_concept, wanted.members))
    pairs = _pairs(context, duplicates, images)
    numbers = ReportNumbers(
        catalog=catalog,
        tool=tool_version(),
        status=status,
        quota=read_quota(workspace),
        released=released,
        yields=yields,
        duplicates=duplicates,
        pairs=pairs,
        fictionality=read_fictionality(workspace),
        calibration=read_calibration(workspace),
        audit=read_audit(workspace),
        shortcuts=read_shortcut_report(workspace),
        decisions=count_decisions(workspace),
        notes=[
            *_notes_on_verdicts(status, yields),
            *_notes_on_release(status, released),
            *_notes_on_pairs(duplicates, pairs),
        ],
    )
    return GatheredReport(numbers, wanted, images)


def count_decisions(workspace: Workspace) -> DecisionCounts:
    """What people decided; a decision that was taken back or replaced counts as recorded only."""
    recorded = read_decisions(workspace)
    in_force = last_decisions(recorded).values()
    return DecisionCounts(
        recorded=len(recorded),
        in_force=_counted(each.choice for each in in_force),
        by_person=_counted(each.by for each in in_force),
        by_reason=_counted(each.reason for each in in_force),
    )


def _counted(words: Iterator[str]) -> dict[str, int]:
    """Word to how often, the most frequent first."""
    return dict(sorted(Counter(words).items(), key=lambda entry: (-entry[1], entry[0])))


def _pairs(
    context: StageContext, duplicates: DuplicateFindings | None, images: ReportImages
) -> dict[str, TierPairs]:
    if duplicates is None:
        return {}
    labels = edge_labels(context.settings)
    compared = [tier for tier in labels if tier in duplicates.summary["tiers"]]
    found: dict[str, TierPairs | None] = {
        tier: tier_pairs(context.workspace, labels[tier], images, by_bits=tier == "perceptual")
        for tier in compared
    }
    return {tier: pairs for tier, pairs in found.items() if pairs is not None}


def _notes_on_verdicts(status: Status, yields: YieldReport) -> Iterator[str]:
    for name, number in status.unjudged.items():
        yield f"{number} image(s) are new since {name} judged: run it again"
    if yields.total.kept != status.total.kept:
        yield (
            f"status counts {status.total.kept} kept images and yields {yields.total.kept}: "
            "verdicts are of an earlier plan; run `isekai-gen dedupe` and `isekai-gen overlap`"
        )


def _notes_on_release(status: Status, released: Released | None) -> Iterator[str]:
    if released is not None and released.images != status.total.kept:
        yield (
            f"The release holds {released.images} images and {status.total.kept} are kept now: "
            "it was built from earlier verdicts or decisions; `isekai-gen release build` makes "
            "another"
        )


def _notes_on_pairs(
    duplicates: DuplicateFindings | None, pairs: Mapping[str, TierPairs]
) -> Iterator[str]:
    if duplicates is None:
        return
    for tier, said in duplicates.summary["tiers"].items():
        if said["floor"] is None:
            continue
        if tier not in pairs:
            yield f"Tier {tier}: its pairs are not there; run `isekai-gen dedupe` again"
        elif sum(pairs[tier].listed.pairs) != said["edges"]:
            yield (
                f"Tier {tier}: dedupe judged by {said['edges']} pairs and "
                f"{sum(pairs[tier].listed.pairs)} are listed now; run `isekai-gen dedupe` again"
            )
