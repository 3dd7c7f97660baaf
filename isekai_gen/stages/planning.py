"""Bring the plan on disk to what a run asks for: it grows, stays, or is replaced on demand."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import ChecksumError
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.diversified import prompts_there_are, read_diversified
from isekai_gen.stages.known_plan import KnownPlan
from isekai_gen.stages.packing import fill_rate, shard_size_for
from isekai_gen.stages.plan import PlanRequest
from isekai_gen.stages.plan_check import require_lasting
from isekai_gen.stages.plan_draft import PlanDraft
from isekai_gen.stages.plan_files import commit_draft, read_known
from isekai_gen.stages.plan_lines import PlannedLine, decode_planned
from isekai_gen.stages.plan_worker import planned_lines
from isekai_gen.stages.recipe import Recipe
from isekai_gen.stages.words import Words, check_prompt_lengths

_FULL_ENOUGH = 0.95
# With fewer micro-batches than this, padding is no matter worth advice.
_MANY = 4
_FULLER = (
    " (the rest is padding: as many images per concept as a multiple of --micro-batch-size, or a "
    "smaller one, would waste less)"
)


@dataclass(frozen=True)
class _Change:
    """What committing a plan did.

    Attributes:
        draft: What was committed.
        kept_from_before: Images that were planned already.
        archived: Images planned before that the new plan no longer holds.
    """

    draft: PlanDraft
    kept_from_before: int
    archived: int


def plan_run(
    context: StageContext, recipe: Recipe, words: Words, counts: Mapping[str, int]
) -> None:
    """Check the plan of a run, then write it with the files and settings it was made from.

    A concept gets as many images as the settings or `counts` ask for, whichever is more, and never
    fewer than were planned for it before, unless `--force-stage` asks for exactly so many. Images
    planned before stay as they are, also if the words changed since; new ones follow the new words.

    Args:
        context: The workspace, its settings, and whether to force.
        recipe: What all images share.
        words: Catalog and templates.
        counts: Concept slug to images wanted of it; concepts may be left out.

    Raises:
        StaleShardError: If images planned before would be lost, because recipe, seed or concepts
            changed, without `--force-stage`.
        ChecksumError: If the plan on disk was damaged, without `--force-stage`.
        InputError: If prompts are too long for the model.
    """
    known, damaged = _known(context)
    request = _request(context, recipe, words, counts, known)
    _note_limits(context, request)
    with context.workspace.staging("plan") as folder:
        draft = _draft(context, request, known, folder / "draft")
        if draft.lost and not context.force:
            require_lasting(context, request, draft.fingerprint)
        archived = draft.lost if context.force else 0
        if archived:
            draft = _draft(context, request, KnownPlan(), folder / "replacement")
        commit_draft(context.workspace, draft, replace=bool(archived) or damaged)
    words.copy_into(context.workspace)
    context.remember_settings("generate")
    _note_change(context, request, _Change(draft, known.total - archived, archived))


def _known(context: StageContext) -> tuple[KnownPlan, bool]:
    """The plan on disk, and whether it is damaged (then nothing of it is known)."""
    try:
        return read_known(context.workspace), False
    except ChecksumError:
        if not context.force:
            raise
        return KnownPlan(), True


def _request(
    context: StageContext,
    recipe: Recipe,
    words: Words,
    counts: Mapping[str, int],
    known: KnownPlan,
) -> PlanRequest:
    settings = context.settings.generate
    slugs = [concept.slug for concept in words.catalog.concepts]
    if unknown := counts.keys() - set(slugs):
        raise ValueError(f"counts for concepts that the catalog lacks: {sorted(unknown)}")
    asked = {slug: max(settings.images_per_concept, counts.get(slug, 0)) for slug in slugs}
    before = {} if context.force else known.counts
    wanted = {slug: max(count, before.get(slug, 0)) for slug, count in asked.items()}
    beyond = sum(wanted.values()) - sum(asked.values())
    if beyond:
        context.reporter.note(
            f"{beyond} images planned before stay, beyond those asked for now; "
            "--force-stage plans exactly what is asked for"
        )
    return PlanRequest(
        catalog=words.catalog,
        templates=words.templates,
        recipe=recipe,
        counts=wanted,
        seed=settings.seed,
        sampling=settings.sampling,
        diversified=read_diversified(context.workspace),
    )


def _draft(
    context: StageContext, request: PlanRequest, known: KnownPlan, folder: Path
) -> PlanDraft:
    """Plan everything into a draft, checking the prompts of images that are new."""
    settings = context.settings.generate
    folder.mkdir()
    rows = request.micro_batch_size
    shard_size = settings.shard_size or shard_size_for(request.total, rows)
    draft = PlanDraft(folder, known, rows, shard_size)
    new = _take_all(draft, planned_lines(request, folder, context.reporter))
    if settings.allow_truncation:
        _exhaust(new)
    else:
        images = (decode_planned(line.text) for line in new)
        check_prompt_lengths(request.recipe.spec, images)
        _exhaust(images)
    draft.finish()
    return draft


def _take_all(draft: PlanDraft, lines: Iterable[PlannedLine]) -> Iterator[PlannedLine]:
    """Put lines into a draft, and hand on those that are new."""
    return (line for line in lines if draft.add(line))


def _exhaust(source: Iterator[object]) -> None:
    deque(source, maxlen=0)


def _note_limits(context: StageContext, request: PlanRequest) -> None:
    """Say what of the catalog and templates this run cannot honor or repeats."""
    recipe, templates = request.recipe, request.templates
    if not recipe.uses_negative_prompts and any(
        template.negative.pieces for template in templates.templates
    ):
        context.reporter.note(
            f"{recipe.identity.label} at guidance {recipe.draw.guidance_scale:g} uses no "
            "negative prompt: those of the templates are left out of the plan"
        )
    few = {
        concept.slug: count
        for concept in request.catalog.concepts
        for wanted in [request.counts[concept.slug]]
        if (count := prompts_there_are(templates, concept, wanted, request.diversified)) < wanted
    }
    if few:
        slug, count = min(few.items(), key=lambda entry: entry[1])
        context.reporter.note(
            f"{len(few)} concept(s) have fewer prompts than images "
            f"({slug}: {count} for {request.counts[slug]}): prompts repeat with other seeds"
        )


def _note_change(context: StageContext, request: PlanRequest, change: _Change) -> None:
    draft, note = change.draft, context.reporter.note
    if change.archived:
        note(
            f"The old plan was put into archive/: {change.archived} of its images are no longer "
            f"planned, {change.kept_from_before} still are and are not drawn again"
        )
    elif draft.changed:
        note(
            f"The words changed: the {change.kept_from_before} images planned before stay as they "
            f"are; {draft.added} new ones follow the new words (--force-stage plans all anew)"
        )
    elif draft.added and change.kept_from_before:
        note(
            f"The plan grew by {draft.added} images; the {change.kept_from_before} planned "
            "before stay as they are"
        )
    if draft.added:
        rows = request.micro_batch_size
        full = fill_rate(draft.added, draft.micro_batches, rows)
        note(
            f"{draft.added} images in {draft.micro_batches} micro-batch(es) of {rows}: "
            f"{math.floor(1000 * full) / 10:g} % full"
            + (_FULLER if full < _FULL_ENOUGH and draft.added >= _MANY * rows else "")
        )
