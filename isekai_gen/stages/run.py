"""All stages in order; each skips what it finds done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.release.writer import SHEET_FILE
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe import dedupe
from isekai_gen.stages.generate import GenerateRequest, generate
from isekai_gen.stages.limits import duplicate_limits
from isekai_gen.stages.manifest import ManifestReport, write_manifests
from isekai_gen.stages.neighbors import write_neighbors
from isekai_gen.stages.overlap import check_overlap
from isekai_gen.stages.overlap_report import judge_and_report
from isekai_gen.stages.release import release_options, write_current_release
from isekai_gen.stages.status import Status, read_status


@dataclass(frozen=True)
class RunReport:
    """What there is at the end.

    Attributes:
        status: The numbers; they add up.
        manifests: The manifests written.
        release: The release's folder.
        contact_sheet: The picture to look at first.
        worked: Whether anything was left to do.
    """

    status: Status
    manifests: Sequence[ManifestReport]
    release: Path
    contact_sheet: Path
    worked: bool


def run_all(context: StageContext, request: GenerateRequest) -> RunReport:
    """Generate, embed, judge, tabulate and package; the caller holds the workspace's lock.

    The release goes to release/ in the workspace and is verified.

    Raises:
        IsekaiGenError: As the stages; what was finished before stays valid.
    """
    _check_settings(context, request)
    drawn = generate(context, request)
    overlap = judge_and_report(context)
    near = dedupe(context)
    write_neighbors(context)
    manifests = write_manifests(context, ())
    out = context.workspace.root / "release"
    built = write_current_release(context, out)
    return RunReport(
        status=read_status(context.workspace),
        manifests=manifests,
        release=out,
        contact_sheet=out / SHEET_FILE,
        worked=drawn.drawn or overlap.worked or near.verdicts.decided or built,
    )


def _check_settings(context: StageContext, request: GenerateRequest) -> None:
    """Refuse at once what a later stage would refuse after hours of drawing."""
    catalog = request.catalog or context.workspace.catalog_file
    if catalog.exists():
        release_options(context.settings.release, load_catalog(catalog).name)
    check_overlap(context)
    duplicate_limits(context)
