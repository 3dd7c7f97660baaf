"""Generate images: plan them, then have workers draw the shards that are not done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isekai_gen.executors import run_shards
from isekai_gen.hashing import canonical_json, digest_of
from isekai_gen.records import Provenance
from isekai_gen.shards import read_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.draw_checks import accept_other_profiles, forget_failures, parts_to_do
from isekai_gen.stages.draw_shard import DrawWorker
from isekai_gen.stages.drawn import STAGE
from isekai_gen.stages.packing import fill_rate
from isekai_gen.stages.pictures import COMPRESS_LEVEL, FileStyle
from isekai_gen.stages.plan_files import count_micro_batches, count_planned
from isekai_gen.stages.planning import plan_run
from isekai_gen.stages.recipe import Recipe, resolve_recipe
from isekai_gen.stages.words import read_words
from isekai_gen.stages.workers import common_profile, drawing_profile, for_engine, settled_dtype
from isekai_gen.storage import remove_temporary_files, write_atomically


@dataclass(frozen=True)
class GenerateRequest:
    """What the user asked of `generate`, beside the settings.

    Attributes:
        catalog: Catalog file, or None for the workspace's own.
        templates: Template file, or None for the workspace's own or the shipped one.
        retry_failed: Whether images that failed before are drawn again.
        counts: Concept slug to images wanted of it, where that is more than the settings say.
    """

    catalog: Path | None = None
    templates: Path | None = None
    retry_failed: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class GenerateReport:
    """What there is after generating.

    Attributes:
        planned: Images planned.
        generated: Images with a picture.
        failed: Images without, each with its reason in records/.
        drawn: Whether anything was left to do.
        fill_rate: Share of micro-batch rows that hold an image, in [0, 1].
    """

    planned: int
    generated: int
    failed: int
    drawn: bool
    fill_rate: float


def generate(context: StageContext, request: GenerateRequest) -> GenerateReport:
    """Plan and draw images; finished shards are checked and skipped.

    The caller holds the workspace's lock.

    Raises:
        IsekaiGenError: For wrong files, settings or models; for a plan that would lose images;
            for damaged files that cannot be restored; for a full disk.
    """
    workspace = context.workspace
    words = read_words(workspace, context.settings.generate, request.catalog, request.templates)
    recipe = resolve_recipe(settled_dtype(context), context.device_names)
    devices = context.device_names()
    plan_run(context, recipe, words, request.counts)
    profile = common_profile(devices, recipe.dtype, context.engine)
    drawing = drawing_profile(profile, compiled=context.settings.generate.compiled)
    provenance = recipe.provenance(_save_profile(context, drawing))
    if context.force:
        accept_other_profiles(workspace, provenance)
    if request.retry_failed:
        forget_failures(workspace)
    todo = parts_to_do(context, provenance)
    _draw(context, recipe, provenance, todo, devices, profile)
    return _report(context, drawn=bool(todo))


def _save_profile(context: StageContext, drawing: Mapping[str, str]) -> str:
    """Write the reproducibility profile into reports/ and return its digest.

    Args:
        context: Of the stage.
        drawing: What pixels depend on; how files are written is added to it.
    """
    file = {
        "format": context.settings.generate.image_format,
        "prompt_metadata": str(context.settings.generate.prompt_metadata).lower(),
        "compress_level": str(COMPRESS_LEVEL),
    }
    profile = {**drawing, **{f"file_{key}": value for key, value in file.items()}}
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
    profile: Mapping[str, str],
) -> None:
    if not parts:
        return
    worker = DrawWorker(
        root=context.workspace.root.resolve(),
        spec=recipe.spec,
        draw=recipe.draw,
        provenance=provenance,
        style=FileStyle(
            context.settings.generate.image_format, context.settings.generate.prompt_metadata
        ),
    )
    total = sum(count_planned(context.workspace, part).total() for part in parts)
    with context.reporter.task("Generating images", total) as advance:
        results = run_shards(
            for_engine(worker, context, profile), parts, devices, advance, context.engine
        )
    images = context.workspace.root / "images"
    if images.is_dir():
        remove_temporary_files(images)  # of workers that were lost on the way
    for message in (message for result in results for message in result.messages):
        context.reporter.note(message)


def _report(context: StageContext, *, drawn: bool) -> GenerateReport:
    workspace = context.workspace
    counts = {"planned": 0, "generated": 0, "failed": 0}
    micro_batches = 0
    for part in workspace.parts("plan"):
        marker = read_marker(workspace, STAGE, part)
        if marker is None:
            raise RuntimeError(f"shard {part} has no done-marker after drawing")
        for key in counts:
            counts[key] += marker.counts[key]
        micro_batches += count_micro_batches(workspace, part)
    rows = context.settings.generate.micro_batch_size
    return GenerateReport(
        **counts, drawn=drawn, fill_rate=fill_rate(counts["planned"], micro_batches, rows)
    )
