"""Images: planned, drawn, and how they came to be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Self

from isekai_gen.records.base import SCHEMA, Record

IMAGE_FORMATS: Mapping[str, str] = MappingProxyType(
    {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG"}
)
"""Suffix of an image file to the format it must have, as Pillow names it."""
IMAGE_SUFFIXES = tuple(IMAGE_FORMATS)
LOSSLESS_SUFFIXES = frozenset({".png", ".webp"})
"""Files that decode to exactly the drawn pixels, as long as we wrote them."""
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_IMAGE_ID = re.compile(r"[0-9a-f]{20}")


@dataclass(frozen=True)
class PlannedImage(Record):
    """One image to be drawn; everything that its pixels depend on, but for the model.

    Attributes:
        image_id: First 20 hex digits of SHA-256 over the canonical recipe.
        concept: Slug.
        index: 0-based number of the image within its concept.
        template: Template id.
        slots: Slot values of the prompt.
        prompt: The text to draw.
        negative_prompt: The text not to draw, or "".
        seed: 63-bit noise seed.
        row: Row in the micro-batch, 0 <= row < micro-batch size.
    """

    image_id: str
    concept: str
    index: int
    template: str
    slots: Mapping[str, str]
    prompt: str
    negative_prompt: str
    seed: int
    row: int

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The plan's line that `to_json` wrote; ValueError if it could lead to other files.

        So is one whose slots are not texts.
        """
        planned = super().from_json(row)
        # Both become file names: what is read from disk must not lead out of the workspace.
        if not _SLUG.fullmatch(planned.concept) or not _IMAGE_ID.fullmatch(planned.image_id):
            raise ValueError(
                f"no concept slug and image id: {planned.concept!r}, {planned.image_id!r}"
            )
        values = planned.slots.values() if isinstance(planned.slots, Mapping) else [None]
        if not all(isinstance(each, str) for each in values):
            raise ValueError(f"slots must map names to texts, got {planned.slots!r}")
        return planned


@dataclass(frozen=True)
class Provenance(Record):
    """How an image came to be, beside its prompt and seed.

    Attributes:
        model: What the user named: "starter", a Hub id, or the last part of a local path.
        revision: Commit of a Hub model, or "".
        model_digest: SHA-256 over the model's files (weights and configurations).
        pipeline: Diffusers pipeline class.
        scheduler: Scheduler class.
        scheduler_config_digest: SHA-256 over its canonical configuration.
        num_inference_steps: Denoising steps.
        guidance_scale: Classifier-free guidance scale.
        width: Pixels.
        height: Pixels.
        dtype: "float32", "float16" or "bfloat16", then ",COMPONENT=DTYPE" for components that
            differ.
        micro_batch_size: Fixed batch shape the image was drawn in.
        profile: Digest of the reproducibility profile (library versions, device class, ...).
        adapters: "label@weight#digest12" of each LoRA and of a VAE in place of the model's own,
            in the order they were applied; digest12 begins the SHA-256 of its weights.
        reproducible: Whether the same recipe was promised to give the same pixels.
    """

    model: str
    revision: str
    model_digest: str
    pipeline: str
    scheduler: str
    scheduler_config_digest: str
    num_inference_steps: int
    guidance_scale: float
    width: int
    height: int
    dtype: str
    micro_batch_size: int
    profile: str
    adapters: tuple[str, ...] = ()
    reproducible: bool = True

    _tuples: ClassVar[frozenset[str]] = frozenset({"adapters"})


@dataclass(frozen=True)
class ImageRecord(Record):
    """One planned image after drawing: generated, or failed with a reason.

    Attributes:
        planned: The plan's line.
        provenance: How it was drawn.
        failure: "" if generated, else the reason ("constant picture", ...).
        path: "images/<concept>/<image_id>.png" (or .webp, .jpg) within the workspace, "" if failed.
        file_sha256: Of the file's bytes, "" if failed.
        pixel_sha256: Of mode, size and raw pixels as drawn, "" if failed. A PNG or WebP file
            decodes to these pixels, a JPEG file to others.
        safety_flagged: Whether the model's safety checker flagged it; None if it has none.
    """

    planned: PlannedImage
    provenance: Provenance
    failure: str
    path: str
    file_sha256: str
    pixel_sha256: str
    safety_flagged: bool | None

    @property
    def image_id(self) -> str:
        """The planned image's id."""
        return self.planned.image_id

    @property
    def concept(self) -> str:
        """The planned image's concept slug."""
        return self.planned.concept

    @property
    def suffix(self) -> str:
        """Suffix of the image file, "" if the image failed."""
        return self.path[self.path.rfind(".") :] if self.path else ""

    @property
    def generated(self) -> bool:
        """Whether there is an image."""
        return not self.failure

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote; ValueError on another schema, fields or path."""
        planned = PlannedImage.from_json({"schema": SCHEMA, **row["planned"]})
        provenance = Provenance.from_json({"schema": SCHEMA, **row["provenance"]})
        record = super().from_json({**row, "planned": planned, "provenance": provenance})
        stem = f"images/{record.concept}/{record.image_id}"
        own = {stem + suffix for suffix in IMAGE_SUFFIXES} if record.generated else {""}
        if record.path not in own:
            raise ValueError(f"path must be one of {sorted(own)}, got {record.path!r}")
        return record
