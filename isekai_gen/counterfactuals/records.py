"""One counterfactual sample: from which image, what was kept, what stands where the rest was."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, get_args

from isekai_gen.counterfactuals.fillers import FillerSource
from isekai_gen.counterfactuals.masks import MaskShape
from isekai_gen.counterfactuals.refill import Refill
from isekai_gen.hashing import digest_of
from isekai_gen.models.activation_maps import ActivationMethod, Target
from isekai_gen.records.base import Record

Kept = Literal["object", "context"]
MaskMethod = Literal["gradcam", "gradcam-elementwise", "relevance", "random"]
"""How maps are made (`models.activation.ActivationMethod`), or a control."""
_IMAGE_ID = re.compile(r"[0-9a-f]{20}")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NO_FILLERS: tuple[Refill, ...] = ("none", "inpaint")


@dataclass(frozen=True)
class CounterfactualRecipe(Record):
    """Everything that a sample's pixels depend on, beside the pixels of the images it names.

    Attributes:
        source: Id of the image that it was made from.
        concept: That image's concept, a slug.
        kept: Which factor is still there.
        method: How the object was found; "random" for a control of equal area.
        area_from: The method whose mask a random one has the area of; "" otherwise.
        encoder: Digest of the encoder that found it.
        target: What the activation map explains.
        limit: Activation above which a place belongs to the object, in [0, 1).
        shape: Of the mask.
        refill: What the masked pixels are.
        filler_source: Whom fillers were chosen from; "" where there are none.
        fillers: Their ids, in the order chosen; empty for "none" and "inpaint".
        inpainting: What else an inpainting depends on, JSON-ready: model digest, prompts, steps,
            guidance, strength, profile; {} for other refills.
        seed: Of the mask if it is random, and of the refill; 0 <= seed < 2**63.
    """

    _tuples: ClassVar[frozenset[str]] = frozenset({"fillers"})

    source: str
    concept: str
    kept: Kept
    method: MaskMethod
    area_from: ActivationMethod | Literal[""]
    encoder: str
    target: Target
    limit: float
    shape: MaskShape
    refill: Refill
    filler_source: FillerSource | Literal[""]
    fillers: tuple[str, ...]
    inpainting: Mapping[str, Any]
    seed: int

    def __post_init__(self) -> None:
        _check_choice("kept", self.kept, Kept)
        _check_choice("method", self.method, MaskMethod)
        _check_choice("target", self.target, Target)
        _check_choice("shape", self.shape, MaskShape)
        _check_choice("refill", self.refill, Refill)
        if not _SLUG.fullmatch(self.concept):
            raise ValueError(f"no concept slug: {self.concept!r}")
        for image_id in (self.source, *self.fillers):
            if not _IMAGE_ID.fullmatch(image_id):
                raise ValueError(f"no image id: {image_id!r}")
        if not 0 <= self.limit < 1 or not 0 <= self.seed < 2**63:
            raise ValueError(f"limit {self.limit} or seed {self.seed} is out of range")
        if (self.method == "random") != bool(self.area_from):
            raise ValueError(f"area_from is for random masks, got {self.area_from!r}")
        if self.area_from:
            _check_choice("area_from", self.area_from, ActivationMethod)
        self._check_fillers()

    def _check_fillers(self) -> None:
        if self.filler_source:
            _check_choice("filler_source", self.filler_source, FillerSource)
        count = len(self.fillers)
        fits = {"none": count == 0, "inpaint": count == 0, "single": count == 1, "multi": count > 1}
        if not fits[self.refill] or bool(count) != bool(self.filler_source):
            raise ValueError(
                f"refill {self.refill!r} with {count} fillers of source {self.filler_source!r}"
            )
        if self.source in self.fillers or len(set(self.fillers)) != count:
            raise ValueError(f"image {self.source}: fillers repeat, or are the image itself")
        if (self.refill == "inpaint") != bool(self.inpainting):
            raise ValueError(f"refill {self.refill!r} with inpainting {dict(self.inpainting)}")

    @property
    def sample_id(self) -> str:
        """First 20 hex digits of SHA-256 over the canonical recipe, as for images."""
        return digest_of({"counterfactual": self.to_json()})[:20]


@dataclass(frozen=True)
class CounterfactualRecord(Record):
    """A sample as made.

    Attributes:
        id: `recipe.sample_id`.
        recipe: What its pixels depend on.
        label_stands: Whether the concept is still the right answer: the object was kept.
        mask_rate: Share of the picture that was replaced, in (0, 1).
        path: Of its picture in the workspace.
        pixel_sha256: Over mode, size and pixels.
    """

    id: str
    recipe: CounterfactualRecipe
    label_stands: bool
    mask_rate: float
    path: str
    pixel_sha256: str

    def __post_init__(self) -> None:
        if self.id != self.recipe.sample_id:
            raise ValueError(f"id {self.id!r} is not that of its recipe: {self.recipe.sample_id}")
        if self.label_stands != label_stands(self.recipe.kept):
            raise ValueError(f"sample {self.id}: the label stands where the object was kept only")
        if not 0 < self.mask_rate < 1:
            raise ValueError(f"sample {self.id}: mask rate {self.mask_rate} is not in (0, 1)")

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote; ValueError if it is anything else."""
        found = row.get("recipe")
        if not isinstance(found, Mapping):
            raise ValueError(f"recipe must be an object, got {found!r}")
        recipe = CounterfactualRecipe.from_json({"schema": row.get("schema"), **found})
        return super().from_json({**row, "recipe": recipe})


def label_stands(kept: Kept) -> bool:
    """Whether the concept is the right answer to a sample with this factor kept."""
    return kept == "object"


def needs_fillers(refill: Refill) -> bool:
    """Whether a refill takes its pixels from other images."""
    return refill not in _NO_FILLERS


def _check_choice(name: str, value: str, kind: Any) -> None:  # noqa: ANN401 - a Literal
    if value not in get_args(kind):
        raise ValueError(f"{name} must be one of {', '.join(get_args(kind))}, got {value!r}")


def random_control(recipe: CounterfactualRecipe, seed: int) -> CounterfactualRecipe:
    """The same sample with a mask of the same area at random places."""
    if recipe.method == "random":
        raise ValueError("a control of a control says nothing")
    return dataclasses.replace(recipe, method="random", area_from=recipe.method, seed=seed)
