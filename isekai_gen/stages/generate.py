"""Generate images: plan them, then have workers draw the shards that are not done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import StaleShardError
from isekai_gen.executors import run_shards
from isekai_gen.hashing import canonical_json, digest_of
from isekai_gen.models.spec import Device
from isekai_gen.prompts.expansion import count_prompts
from isekai_gen.records import Provenance
from isekai_gen.shards import read_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.draw_checks import accept_other_profiles, forget_failures, parts_to_do
from isekai_gen.stages.draw_shard import DrawWorker
from isekai_gen.stages.drawn import STAGE
from isekai_gen.stages.pictures import COMPRESS_LEVEL
from isekai_gen.stages.plan import PlanRequest, plan_images
from isekai_gen.stages.plan_files import (
    PlanChange,
    commit_plan,
    read_plan,
    read_plan_part,
)
from isekai_gen.stages.recipe import Recipe, resolve_recipe
from isekai_gen.stages.words import Words, check_prompt_lengths, read_words
from isekai_gen.workspace import Workspace, write_atomically


@dataclass(frozen=True)
class GenerateRequest:
    """What the user asked of `generate`, beside the settings.

    Attributes:
        catalog: Catalog file, or None for the workspace's own.
        templates: Template file, or None for the workspace's own or the shipped one.
        retry_failed: Whether images that failed before are drawn again.
    """

    catalog: Path | None = None
    templates: Path | None = None
    retry_failed: bool = False


@dataclass(frozen=True)
class GenerateReport:
    """What there is after generating.

    Attributes:
        planned: Images planned.
        generated: Images with a picture.
        failed: Images without, each with its reason in records/.
        drawn: Whether anything was left to do.
    """

    planned: int
    generated: int
    failed: int
    drawn: bool


def generate(context: StageContext, request: GenerateRequest) -> GenerateReport:
    """Plan and draw images; finished shards are checked and skipped.

    The caller holds the workspace's lock.

    Raises:
        IsekaiGenError: For wrong files, settings or models; for a plan that would lose images;
            for damaged files that cannot be restored; for a full disk.
    """
    workspace = context.workspace
    words = read_words(workspace, context.settings.generate, request.catalog, request.templates)
    recipe = resolve_recipe(context.settings.generate, context.device_names)
    devices = context.device_names()
    _commit(context, recipe, words)
    provenance = recipe.provenance(_save_profile(context, recipe, devices))
    if context.force:
        accept_other_profiles(workspace, provenance)
    if request.retry_failed:
        forget_failures(workspace)
    todo = parts_to_do(context, provenance)
    _draw(context, recipe, provenance, todo, devices)
    return _report(workspace, drawn=bool(todo))


def _commit(context: StageContext, recipe: Recipe, words: Words) -> None:
    """Check the plan, then write it with the files and settings it was made from."""
    settings, workspace = context.settings.generate, context.workspace
    request = PlanRequest(
        words.catalog, words.templates, recipe, settings.images_per_concept, settings.seed
    )
    with context.reporter.task("Planning", len(words.catalog.concepts)) as advance:
        planned = []
        for image in plan_images(request):
            planned.append(image)
            if image.index == settings.images_per_concept - 1:
                advance(1)
    _note_limits(context, recipe, words)
    if not settings.allow_truncation:
        # With --force-stage the plan on disk may be one that cannot be read any more.
        known = set() if context.force else {image.image_id for image in read_plan(workspace)}
        check_prompt_lengths(
            recipe.spec, (image for image in planned if image.image_id not in known)
        )
    change = commit_plan(workspace, planned, settings.shard_size, force=context.force)
    words.copy_into(workspace)
    context.remember_settings("generate")
    _note_change(context, change)


def _note_limits(context: StageContext, recipe: Recipe, words: Words) -> None:
    """Say what of the catalog and templates this run cannot honor or repeats."""
    if not recipe.uses_negative_prompts and any(
        template.negative.pieces for template in words.templates.templates
    ):
        context.reporter.note(
            f"{recipe.identity.label} at guidance {recipe.draw.guidance_scale:g} uses no "
            "negative prompt: those of the templates are left out of the plan"
        )
    wanted = context.settings.generate.images_per_concept
    counts = {
        concept.slug: count_prompts(words.templates, concept) for concept in words.catalog.concepts
    }
    few = {slug: count for slug, count in counts.items() if count < wanted}
    if few:
        slug, count = min(few.items(), key=lambda entry: entry[1])
        context.reporter.note(
            f"{len(few)} concept(s) have fewer prompts than images ({slug}: {count} for {wanted}): "
            "prompts repeat with other seeds"
        )


def _note_change(context: StageContext, change: PlanChange) -> None:
    if change.archived:
        context.reporter.note(
            f"The old plan was put into archive/: {change.archived} of its images are no longer "
            f"planned, {change.kept_from_before} still are and are not drawn again"
        )
    elif change.added and change.kept_from_before:
        context.reporter.note(
            f"The plan grew by {change.added} images; the {change.kept_from_before} planned "
            "before stay as they are"
        )


def _save_profile(context: StageContext, recipe: Recipe, devices: Sequence[str]) -> str:
    """Write the reproducibility profile into reports/ and return its digest.

    Raises:
        StaleShardError: If the devices differ, so that pixels would depend on the worker.
    """
    from isekai_gen.models.profile import reproducibility_profile

    profiles = [reproducibility_profile(Device(name), recipe.dtype) for name in devices]
    if any(profile != profiles[0] for profile in profiles):
        raise StaleShardError(
            "the devices differ, and so would their pixels; name alike ones with --devices"
        )
    png = {
        "prompt_in_image": str(context.settings.generate.prompt_in_image).lower(),
        "compress_level": str(COMPRESS_LEVEL),
    }
    profile = {**profiles[0], **{f"png_{key}": value for key, value in png.items()}}
    digest = digest_of(profile)
    path = context.workspace.reports / f"profile-{digest[:12]}.json"
    if not path.exists():
        write_atomically(path, (canonical_json(profile) + "\n").encode())
    return digest


def _draw(
    context: StageContext,
    recipe: Recipe,
    provenance: Provenance,
    parts: Sequence[int],
    devices: Sequence[str],
) -> None:
    if not parts:
        return
    worker = DrawWorker(
        root=context.workspace.root.resolve(),
        spec=recipe.spec,
        draw=recipe.draw,
        provenance=provenance,
        prompt_in_image=context.settings.generate.prompt_in_image,
    )
    total = sum(len(read_plan_part(context.workspace, part)) for part in parts)
    with context.reporter.task("Generating images", total) as advance:
        results = run_shards(worker, parts, devices, advance)
    for message in (message for result in results for message in result.messages):
        context.reporter.note(message)


def _report(workspace: Workspace, *, drawn: bool) -> GenerateReport:
    counts = {"planned": 0, "generated": 0, "failed": 0}
    for part in workspace.parts("plan"):
        marker = read_marker(workspace, STAGE, part)
        if marker is None:
            raise RuntimeError(f"shard {part} has no done-marker after drawing")
        for key in counts:
            counts[key] += marker.counts[key]
    return GenerateReport(**counts, drawn=drawn)
