"""The nouns of the project as frozen records, and the pure rule that selects kept images.

Every record has a one-line JSON form (`to_json`, `from_json`) with a schema version. Reading and
writing files is not done here (see `shards`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

SCHEMA = 1
Kind = Literal["fictional", "real"]
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_IMAGE_ID = re.compile(r"[0-9a-f]{20}")


class _Record:
    """JSON form shared by all records: plain fields plus the schema version."""

    _tuples: ClassVar[frozenset[str]] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict with every field and `schema`."""
        return {"schema": SCHEMA, **dataclasses.asdict(self)}  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote.

        Raises:
            ValueError: If the row has another schema, or lacks or adds fields.
        """
        if row.get("schema") != SCHEMA:
            raise ValueError(f"schema {row.get('schema')!r} is not {SCHEMA}")
        fields = {key: value for key, value in row.items() if key != "schema"}
        expected = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        if fields.keys() != expected:
            raise ValueError(
                f"{cls.__name__} has fields {sorted(expected)}, the row has {sorted(fields)}"
            )
        for name in cls._tuples & fields.keys():
            fields[name] = tuple(fields[name])
        return cls(**fields)


@dataclass(frozen=True)
class Concept(_Record):
    """Something to draw: fictional, or the real counterpart of a fictional concept.

    Attributes:
        slug: Key: lower-case ASCII letters, digits and dashes.
        name: Display name and label.
        kind: "fictional" or "real".
        group: Slug of the group that pairs a fictional concept with its real counterpart.
        short: Appearance in a few words, without article ("hedgehog with cactus spines").
        description: Appearance in a sentence, for strong image generators.
        parents: Names of the real things a fictional concept combines; empty for a real one.
        attributes: Extra slots for templates: name to its possible values.
        negative_prompt: What not to draw, or "".
        wnids: ImageNet classes of a real concept ("n02119789"); may be empty.
    """

    slug: str
    name: str
    kind: Kind
    group: str
    short: str
    description: str
    parents: tuple[str, ...] = ()
    attributes: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    negative_prompt: str = ""
    wnids: tuple[str, ...] = ()

    _tuples: ClassVar[frozenset[str]] = frozenset({"parents", "wnids"})


@dataclass(frozen=True)
class Prompt:
    """One expansion of a template for a concept.

    Attributes:
        concept: The concept's slug.
        template: The template's id.
        slots: Every slot's value in this expansion.
        text: The prompt.
        negative: The negative prompt, or "".
    """

    concept: str
    template: str
    slots: Mapping[str, str]
    text: str
    negative: str


@dataclass(frozen=True)
class PlannedImage(_Record):
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
        """The plan's line that `to_json` wrote; ValueError if it could lead to other files."""
        planned = super().from_json(row)
        # Both become file names: what is read from disk must not lead out of the workspace.
        if not _SLUG.fullmatch(planned.concept) or not _IMAGE_ID.fullmatch(planned.image_id):
            raise ValueError(
                f"no concept slug and image id: {planned.concept!r}, {planned.image_id!r}"
            )
        return planned


@dataclass(frozen=True)
class Provenance:
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
        dtype: "float32", "float16" or "bfloat16".
        micro_batch_size: Fixed batch shape the image was drawn in.
        profile: Digest of the reproducibility profile (library versions, device class, ...).
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


@dataclass(frozen=True)
class ImageRecord(_Record):
    """One planned image after drawing: generated, or failed with a reason.

    Attributes:
        planned: The plan's line.
        provenance: How it was drawn.
        failure: "" if generated, else the reason ("constant picture", ...).
        path: "images/<concept>/<image_id>.png" within the workspace, "" if failed.
        file_sha256: Of the PNG's bytes, "" if failed.
        pixel_sha256: Of mode, size and raw pixels, "" if failed.
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
    def generated(self) -> bool:
        """Whether there is an image."""
        return not self.failure

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote; ValueError on another schema, fields or path."""
        planned = PlannedImage.from_json({"schema": SCHEMA, **row["planned"]})
        provenance = Provenance(**row["provenance"])
        record = super().from_json({**row, "planned": planned, "provenance": provenance})
        own = f"images/{record.concept}/{record.image_id}.png" if record.generated else ""
        if record.path != own:
            raise ValueError(f"path must be {own!r}, got {record.path!r}")
        return record


@dataclass(frozen=True)
class Verdict(_Record):
    """A filter's judgment of one image.

    Attributes:
        image_id: The image.
        by: Name of the filter.
        keep: Whether this filter keeps it.
        reason: Code such as "similar_to_kept" or "within_limit".
        measured: The number that was compared, or None.
        limit: What it was compared with, or None.
        witness: Id of the kept image on whose account this one is dropped, or "".
        reference: Class or image of a reference set that is the evidence, or "".
    """

    image_id: str
    by: str
    keep: bool
    reason: str
    measured: float | None = None
    limit: float | None = None
    witness: str = ""
    reference: str = ""


Choice = Literal["keep", "drop", "duplicate", "not_duplicate"]


@dataclass(frozen=True)
class Decision(_Record):
    """A person's decision about one image (keep, drop) or a pair (duplicate, not_duplicate).

    Attributes:
        images: One image id, or two in ascending order.
        choice: What the person decided; a later decision on the same images replaces this one.
        by: Who, as the person signs.
    """

    images: tuple[str, ...]
    choice: Choice
    by: str

    _tuples: ClassVar[frozenset[str]] = frozenset({"images"})

    def __post_init__(self) -> None:
        wanted = 1 if self.choice in ("keep", "drop") else 2
        if len(self.images) != wanted or list(self.images) != sorted(set(self.images)):
            raise ValueError(f"a {self.choice!r} decision names {wanted} image(s) in order")


def last_decisions(decisions: Iterable[Decision]) -> dict[tuple[str, ...], Decision]:
    """The decision in force for each image or pair: the last one said."""
    return {decision.images: decision for decision in decisions}


def select_kept(
    records: Iterable[ImageRecord],
    verdicts: Mapping[str, Mapping[str, Verdict]],
    decisions: Iterable[Decision],
) -> tuple[list[str], dict[str, str]]:
    """Which generated images are kept, and what dropped the others.

    A person's decision about an image outranks every filter.

    Args:
        records: In any order.
        verdicts: Filter name to image id to verdict; the order of filters is their declared
            order: an image that several filters drop counts under the first.
        decisions: In the order they were made.

    Returns:
        Kept ids in the order of `records`, and a dict from dropped id to the name of what
        dropped it (a filter, or "person").
    """
    in_force = last_decisions(decisions)
    kept: list[str] = []
    dropped: dict[str, str] = {}
    for record in records:
        if not record.generated:
            continue
        decision = in_force.get((record.image_id,))
        if decision is not None:
            if decision.choice == "keep":
                kept.append(record.image_id)
            else:
                dropped[record.image_id] = "person"
            continue
        by = next(
            (
                name
                for name, judged in verdicts.items()
                if record.image_id in judged and not judged[record.image_id].keep
            ),
            None,
        )
        if by is None:
            kept.append(record.image_id)
        else:
            dropped[record.image_id] = by
    return kept, dropped
