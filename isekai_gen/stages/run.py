"""All stages in order; each skips what it finds done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.prompts.catalog import Catalog
from isekai_gen.release.layout import SHEET_FILE
from isekai_gen.release.splits import parse_splits
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe import dedupe
from isekai_gen.stages.generate import GenerateRequest, generate
from isekai_gen.stages.limits import duplicate_limits
from isekai_gen.stages.manifest import ManifestReport, write_manifests
from isekai_gen.stages.neighbors import write_neighbors
from isekai_gen.stages.overlap import check_overlap
from isekai_gen.stages.overlap_report import judge_and_report
from isekai_gen.stages.release import release_options, write_current_release
from isekai_gen.stages.release_answers import answers_file, ensure_answers_file
from isekai_gen.stages.status import Status, read_status
from isekai_gen.stages.words import read_words


@dataclass(frozen=True)
class RunReport:
    """What there is at the end.

    Attributes:
        status: The numbers; they add up.
        manifests: The manifests written.
        release: The release's folder; None if answers are left.
        contact_sheet: The picture to look at first; None if answers are left.
        answers: release.toml.
        answers_left: What its authors have yet to answer.
        worked: Whether anything was left to do.
    """

    status: Status
    manifests: Sequence[ManifestReport]
    release: Path | None
    contact_sheet: Path | None
    answers: Path
    answers_left: int
    worked: bool


def run_all(context: StageContext, request: GenerateRequest) -> RunReport:
    """Generate, embed, judge, tabulate and package; the caller holds the workspace's lock.

    The release goes to release/ in the workspace and is verified. There is none while release.toml,
    which is begun here, lacks answers.

    Raises:
        IsekaiGenError: As the stages; what was finished before stays valid.
    """
    catalog = _check_settings(context, request)
    answers = answers_file(context.workspace)
    left = ensure_answers_file(context, catalog)
    if left:
        context.reporter.note(
            f"{answers}: {left} answers are left to you; there is no release before"
        )
    drawn = generate(context, request)
    overlap = judge_and_report(context)
    near = dedupe(context)
    write_neighbors(context)
    manifests = write_manifests(context, ())
    out = context.workspace.root / "release"
    left = ensure_answers_file(context)  # they may have been given meanwhile
    built = not left and write_current_release(context, out)
    return RunReport(
        status=read_status(context.workspace),
        manifests=manifests,
        release=None if left else out,
        contact_sheet=None if left else out / SHEET_FILE,
        answers=answers,
        answers_left=left,
        worked=drawn.drawn or overlap.worked or near.verdicts.decided or built,
    )


def _check_settings(context: StageContext, request: GenerateRequest) -> Catalog:
    """Refuse at once what a later stage would refuse after hours of drawing.

    Returns:
        The catalog.
    """
    settings = context.settings.release
    words = read_words(
        context.workspace, context.settings.generate, request.catalog, request.templates
    )
    release_options(settings, words.catalog.name)
    parse_splits(settings.splits)
    check_overlap(context)
    duplicate_limits(context)
    return words.catalog
