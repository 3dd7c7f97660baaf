"""Draw recorded images again and compare.

What an image depends on comes from its record; the settings only say where the model is. Nothing
is written into the workspace, so no lock is taken: a run in progress is not disturbed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isekai_gen.errors import ChecksumError, InputError, ModelError
from isekai_gen.hashing import digest_of, pixel_sha256
from isekai_gen.models.spec import Device, DrawnImage, DrawRequest, ImageGenerator
from isekai_gen.records import ImageRecord, PlannedImage, Provenance
from isekai_gen.settings import GenerateSettings
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.packing import pack_micro_batches
from isekai_gen.stages.pictures import FileStyle, decode_picture, image_bytes
from isekai_gen.stages.plan import id_formula, own_recipe_of
from isekai_gen.stages.recipe import Recipe, resolve_recipe
from isekai_gen.stages.record_search import find_records
from isekai_gen.stages.reproduction import Reproduction, difference_between, read_recorded
from isekai_gen.stages.workers import drawing_profile
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

# What the settings must give as recorded. What the model is called is no part of it, nor its
# commit: the digest says what its files hold.
_IDENTITY = (
    "model_digest",
    "pipeline",
    "scheduler",
    "scheduler_config_digest",
    "dtype",
    "adapters",
)
_DIGEST_SHOWN, _DIGEST_LENGTH = 12, 64
_FILE_KEYS = "file_"


@dataclass(frozen=True)
class ReproduceRequest:
    """What the user asked to see again.

    Attributes:
        ids: Image ids, or their beginnings.
        out: Folder for the pictures drawn now, outside the workspace; None to write none.
    """

    ids: tuple[str, ...]
    out: Path | None = None


def reproduce(context: StageContext, request: ReproduceRequest) -> list[Reproduction]:
    """Draw images again, each at its own row of a padded micro-batch, and compare their pixels.

    One process, on the first of the devices.

    Returns:
        One result per image, in the order asked for.

    Raises:
        InputError: If an image is unknown, or `out` lies in the workspace.
        ModelError: If the settings name another generator than the one that drew an image.
        ChecksumError: If a record or a recorded profile is damaged.
    """
    workspace = context.workspace
    _refuse_inside(workspace, request.out)
    records = find_records(workspace, request.ids)
    by_provenance: dict[Provenance, list[ImageRecord]] = {}
    for record in records:
        by_provenance.setdefault(record.provenance, []).append(record)
    found: dict[str, Reproduction] = {}
    with context.reporter.task("Drawing again", len(records)) as advance:
        for provenance, alike in by_provenance.items():
            by_id = {record.image_id: record for record in alike}
            planned = [record.planned for record in alike]
            redrawing = _prepare(context, provenance, planned, request.out)
            for batch in pack_micro_batches(planned):
                chosen = [by_id[image.image_id] for image in batch]
                for result in redrawing.draw_again(chosen):
                    found[result.image_id] = result
                advance(len(chosen))
    return [found[record.image_id] for record in records]


def _refuse_inside(workspace: Workspace, out: Path | None) -> None:
    if out is not None and out.resolve().is_relative_to(workspace.root.resolve()):
        raise InputError(
            f"--out {out} lies in the workspace, which reproduce leaves alone; "
            "name a folder outside it"
        )


@dataclass(frozen=True)
class _Redrawing:
    """A loaded generator that draws as the records of one provenance say."""

    workspace: Workspace
    generator: ImageGenerator
    recipe: Recipe
    provenance: Provenance
    profile_changes: tuple[str, ...]
    style: FileStyle
    out: Path | None

    def draw_again(self, records: Sequence[ImageRecord]) -> list[Reproduction]:
        """Images of distinct rows, in one micro-batch."""
        requests = [
            DrawRequest(each.row, each.prompt, each.negative_prompt, each.seed)
            for each in (record.planned for record in records)
        ]
        by_row = {drawn.row: drawn for drawn in self.generator.draw(requests, self.recipe.draw)}
        return [self._compare(record, by_row[record.planned.row]) for record in records]

    def _compare(self, record: ImageRecord, drawn: DrawnImage) -> Reproduction:
        state, original = read_recorded(self.workspace, record)
        result = Reproduction(
            image_id=record.image_id,
            concept=record.concept,
            identical=not record.generated
            and drawn.pixels is None
            and drawn.failure == record.failure,
            failure=drawn.failure,
            psnr_db=None,
            max_difference=None,
            file=state,
            profile_changes=self.profile_changes,
            reproducible=record.provenance.reproducible,
        )
        if drawn.pixels is None:
            return result
        style = self.style.like(record.suffix) if record.suffix else self.style
        content = image_bytes(drawn.pixels, record.planned, self.provenance, style)
        if self.out is not None:
            write_atomically(self.out / f"{record.image_id}{style.suffix}", content)
        if pixel_sha256(drawn.pixels) == record.pixel_sha256:
            return replace(result, identical=True, psnr_db=math.inf, max_difference=0)
        if original is None:
            return result
        stored = np.asarray(decode_picture(content, style.suffix))
        psnr, most = difference_between(stored, original)
        return replace(result, psnr_db=psnr, max_difference=most)


def _prepare(
    context: StageContext,
    provenance: Provenance,
    planned: Sequence[PlannedImage],
    out: Path | None,
) -> _Redrawing:
    """Load the generator that drew the images of one provenance, once it is known to be that."""
    from isekai_gen.models.loading import load_generator
    from isekai_gen.models.profile import reproducibility_profile

    settings = _as_recorded(context.settings.generate, provenance)
    recipe = resolve_recipe(settings, context.device_names)
    _require_identity(context.workspace, provenance, recipe.provenance(provenance.profile))
    _require_own_ids(context.workspace, recipe, planned)
    device = Device(context.device_names()[0])
    profile = drawing_profile(
        reproducibility_profile(device, recipe.dtype), compiled=settings.compiled
    )
    changes = _changes(_recorded_profile(context.workspace, provenance.profile), profile)
    return _Redrawing(
        workspace=context.workspace,
        generator=load_generator(recipe.spec, device),
        recipe=recipe,
        provenance=replace(provenance, profile=digest_of(profile)) if changes else provenance,
        profile_changes=changes,
        style=FileStyle(prompt_metadata=settings.prompt_metadata),
        out=out,
    )


def _as_recorded(settings: GenerateSettings, provenance: Provenance) -> GenerateSettings:
    """The settings with everything that a record knows better."""
    return settings.model_copy(
        update={
            "dtype": provenance.dtype,
            "num_inference_steps": provenance.num_inference_steps,
            "guidance_scale": provenance.guidance_scale,
            "width": provenance.width,
            "height": provenance.height,
            "micro_batch_size": provenance.micro_batch_size,
            "reproducible": provenance.reproducible,
        }
    )


def _require_identity(workspace: Workspace, recorded: Provenance, now: Provenance) -> None:
    differing = [name for name in _IDENTITY if getattr(recorded, name) != getattr(now, name)]
    if not differing:
        return
    shown = ", ".join(
        f"{name} {_short(getattr(recorded, name))} -> {_short(getattr(now, name))}"
        for name in differing
    )
    revision = f" at revision {recorded.revision}" if recorded.revision else ""
    raise ModelError(
        f"images were drawn by {recorded.model}{revision}, but the settings name another "
        f"generator ({now.model}: {shown}); name the one that drew them with --model, or its "
        f"model, revision, scheduler, vae and loras in [generate] of {workspace.settings_file}"
    )


def _require_own_ids(workspace: Workspace, recipe: Recipe, planned: Sequence[PlannedImage]) -> None:
    """Refuse a recipe that is not the images': an id is a digest of everything in it."""
    id_of = id_formula(recipe)
    for image in planned:
        if id_of(own_recipe_of(image)) != image.image_id:
            raise ModelError(
                f"image {image.image_id}: its id is not that of its recipe under the settings in "
                f"force; give `cache` in [generate] of {workspace.settings_file} the value it "
                "had, or restore the record"
            )


def _short(value: str | tuple[str, ...]) -> str:
    """A digest by its first digits, adapters as a list."""
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    return value[:_DIGEST_SHOWN] if len(value) == _DIGEST_LENGTH else value


def _recorded_profile(workspace: Workspace, digest: str) -> Mapping[str, str]:
    path = workspace.reports / f"profile-{digest[:_DIGEST_SHOWN]}.json"
    try:
        profile = json.loads(path.read_text(encoding="utf-8"))
        if digest_of(profile) != digest or not isinstance(profile, dict):
            raise ValueError("its digest is not the recorded one")
    except (OSError, ValueError) as error:
        raise ChecksumError(
            f"{path}: the profile that images were drawn under cannot be read ({error}); restore "
            "it, or delete it and run `isekai-gen generate` where they were drawn"
        ) from error
    return profile


def _changes(recorded: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """What of a profile is not as recorded; how files are written changes no pixel."""
    names = [
        name for name in sorted(recorded.keys() | now.keys()) if not name.startswith(_FILE_KEYS)
    ]
    return tuple(
        f"{name} {recorded.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in names
        if recorded.get(name) != now.get(name)
    )
