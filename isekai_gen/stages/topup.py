"""Draw and judge images in rounds, until every concept keeps as many as asked for.

A round draws, judges and counts. The next one plans more images for the concepts that keep too
few, with the next indices of their prompt spaces and so with new words and new seeds; nothing that
was planned before changes. A concept is done when it keeps enough, or when its budget of images is
drawn. New images can make older ones be dropped: one that resembles its prompt more takes the
place of its near-duplicates, also of other concepts. So a concept may come back into the rounds;
they end all the same, because each adds images and budgets are finite.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.dedupe import dedupe
from isekai_gen.stages.diversified import Diversification, prompts_there_are, read_diversified
from isekai_gen.stages.generate import GenerateRequest, generate
from isekai_gen.stages.limits import duplicate_limits
from isekai_gen.stages.overlap import check_overlap, judge_overlap
from isekai_gen.stages.plan_files import count_planned
from isekai_gen.stages.status import Counts, read_status
from isekai_gen.stages.topup_diversify import diversified_end, open_diversifications
from isekai_gen.stages.topup_report import ConceptTopup, TopupReport
from isekai_gen.stages.topup_rounds import Aim, RoundLog
from isekai_gen.stages.words import Words, read_words
from isekai_gen.stages.yield_files import write_yields
from isekai_gen.stages.yields import read_yields
from isekai_gen.workspace import Workspace

BUDGET_FACTOR = 4
"""Images drawn at most for each one of the first round, unless the user says otherwise."""


@dataclass(frozen=True)
class TopupRequest:
    """What the user asked of `topup`, beside the settings.

    Attributes:
        kept: Images that every concept is to keep; > 0.
        max_attempts: The most images drawn per concept; None for `BUDGET_FACTOR` times those of
            the first round.
        catalog: Catalog file, or None for the workspace's own.
        templates: Template file, or None for the workspace's own or the shipped one.
        retry_failed: Whether images that failed before are drawn again, once.
        max_value_share: What the share of slot values that give concepts away is to sink to, by
            further images with other values; in (0, 1), None to leave it.
    """

    kept: int
    max_attempts: int | None = None
    catalog: Path | None = None
    templates: Path | None = None
    retry_failed: bool = False
    max_value_share: float | None = None


def topup(context: StageContext, request: TopupRequest) -> TopupReport:
    """Generate and judge until every concept keeps enough or has spent its budget.

    The first round plans `images_per_concept` of the settings or `request.kept` images of each
    concept, whichever is more. The caller holds the workspace's lock. Reports go to
    reports/yield.json and reports/yield.csv.

    Raises:
        InputError: If the budget is below the first round, or not one image could be drawn.
        IsekaiGenError: As the stages; what was finished before stays valid.
    """
    aim = _aim(context, request)
    workspace = context.workspace
    words = read_words(workspace, context.settings.generate, request.catalog, request.templates)
    log = RoundLog(workspace, new_plan=context.force)
    if request.max_value_share is not None:
        open_diversifications(context, words, _planned(workspace), request.max_value_share)
        _note_budget(context, aim)
    slugs = [concept.slug for concept in words.catalog.concepts]
    status, worked = _run_rounds(context, request, aim, log, slugs)
    diversified = read_diversified(workspace)
    report = TopupReport(
        aim=aim,
        concepts=_standing(aim, log, words, status, diversified),
        rounds=len(log.rounds),
        yields=read_yields(workspace),
        worked=worked,
        diversified=diversified,
    )
    write_yields(workspace, report.yields, report.to_json())
    return report


def _run_rounds(
    context: StageContext, request: TopupRequest, aim: Aim, log: RoundLog, slugs: Sequence[str]
) -> tuple[Mapping[str, Counts], bool]:
    """Round after round; returns the final counts by concept, and whether anything was done."""
    planned: Mapping[str, int] = {} if context.force else _planned(context.workspace)
    counts = {
        slug: max(
            aim.first,
            planned.get(slug, 0),
            log.intended(slug, aim),
            min(diversified_end(context.workspace, slug), aim.budget),
        )
        for slug in slugs
    }
    worked = False
    while True:
        _open_round(context, log, aim, planned, counts)
        worked = _draw_and_judge(context, request, counts) or worked
        status = read_status(context.workspace).by_concept
        planned = {slug: found.planned for slug, found in status.items()}
        counts = {
            slug: found.planned + aim.images_to_add(found.kept, found.planned)
            for slug, found in status.items()
        }
        if counts == planned:
            return status, worked
        # What was asked once holds once; the catalog is the workspace's own from now on.
        context = replace(context, force=False)
        request = TopupRequest(request.kept, request.max_attempts)


def _aim(context: StageContext, request: TopupRequest) -> Aim:
    """What the rounds are after; refuses at once what a later stage would refuse."""
    check_overlap(context)
    duplicate_limits(context)
    if request.kept < 1:
        raise ValueError(f"kept must be > 0, got {request.kept}")
    first = max(request.kept, context.settings.generate.images_per_concept)
    budget = BUDGET_FACTOR * first if request.max_attempts is None else request.max_attempts
    if budget < first:
        raise InputError(
            f"--max-attempts {budget} is less than the {first} images that the first round draws "
            "for each concept; raise it, or lower --kept or --images-per-concept"
        )
    return Aim(request.kept, first, budget)


def _note_budget(context: StageContext, aim: Aim) -> None:
    """Say which diversifications the budget cuts short."""
    for line in read_diversified(context.workspace):
        if line.end > aim.budget:
            context.reporter.note(
                f"{line.concept}: --max-attempts {aim.budget} leaves room for "
                f"{max(0, aim.budget - line.first)} of {line.count} further images"
            )


def _planned(workspace: Workspace) -> Counter[str]:
    """Slug to images planned."""
    return sum((count_planned(workspace, part) for part in workspace.parts("plan")), Counter())


def _open_round(
    context: StageContext,
    log: RoundLog,
    aim: Aim,
    planned: Mapping[str, int],
    counts: Mapping[str, int],
) -> None:
    """Write down and say what is about to be added, if anything is."""
    added = {slug: count - planned.get(slug, 0) for slug, count in counts.items()}
    growing = {slug: counts[slug] for slug, number in added.items() if number > 0}
    if growing:
        opened = log.open_round(aim, growing)
        more = "more images" if planned else "images"
        context.reporter.note(
            f"Round {opened.number}: {sum(added.values())} {more} for {len(growing)} concept(s)"
        )


def _draw_and_judge(
    context: StageContext, request: TopupRequest, counts: Mapping[str, int]
) -> bool:
    """Bring the workspace to these counts; returns whether anything was left to do."""
    drawn = generate(
        context,
        GenerateRequest(
            catalog=request.catalog,
            templates=request.templates,
            retry_failed=request.retry_failed,
            counts=counts,
        ),
    )
    if not drawn.generated:
        raise InputError(
            f"not one of {drawn.failed} images could be drawn; the reasons are in records/: "
            "change the model or its settings in a new --workspace"
        )
    overlap = judge_overlap(context)
    near = dedupe(context)
    return drawn.drawn or overlap.decided or near.verdicts.decided


def _standing(
    aim: Aim,
    log: RoundLog,
    words: Words,
    status: Mapping[str, Counts],
    diversified: Sequence[Diversification],
) -> list[ConceptTopup]:
    return [
        ConceptTopup(
            concept=concept.slug,
            wanted=aim.kept,
            kept=counts.kept,
            drawn=counts.generated + counts.failed,
            failed=counts.failed,
            dropped=counts.dropped,
            rounds=log.rounds_of(concept.slug, counts.planned),
            prompts=prompts_there_are(words.templates, concept, counts.planned, diversified),
            state="reached" if counts.kept >= aim.kept else "budget spent",
        )
        for concept in words.catalog.concepts
        for counts in (status[concept.slug],)
    ]
