"""The recipe that all images of a run share: the model as its files say, and how it draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.models.adapters import parse_lora
from isekai_gen.models.families import uses_negative_prompt
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.spec import (
    Device,
    DrawSettings,
    GeneratorIdentity,
    GeneratorSpec,
    starter_folder,
)
from isekai_gen.records import Provenance
from isekai_gen.settings import STARTER, GenerateSettings


@dataclass(frozen=True)
class Recipe:
    """What every image of a run has in common.

    Attributes:
        spec: Which generator to load.
        identity: What it is.
        draw: How it draws.
        dtype: Number formats, resolved: "bfloat16", or "bfloat16,vae=float32".
    """

    spec: GeneratorSpec
    identity: GeneratorIdentity
    draw: DrawSettings
    dtype: str

    @property
    def uses_negative_prompts(self) -> bool:
        """Whether a negative prompt changes the pictures."""
        return self.identity.accepts_negative_prompt and uses_negative_prompt(
            self.identity.pipeline, self.draw.guidance_scale
        )

    def canonical(self) -> dict[str, Any]:
        """The part of an image's canonical recipe that is the same for all images."""
        return {
            "model": self.identity.digest,
            "pipeline": self.identity.pipeline,
            "scheduler": self.identity.scheduler,
            "scheduler_config": self.identity.scheduler_config_digest,
            "dtype": self.dtype,
            # Left out where there is none: image ids of before caches were known stay.
            **({} if self.spec.cache is None else {"cache": self.spec.cache}),
            **asdict(self.draw),
        }

    def provenance(self, profile: str) -> Provenance:
        """What records say of how images were drawn; `profile` is the profile's digest."""
        return Provenance(
            model=self.identity.label,
            revision=self.identity.revision,
            model_digest=self.identity.digest,
            pipeline=self.identity.pipeline,
            scheduler=self.identity.scheduler,
            scheduler_config_digest=self.identity.scheduler_config_digest,
            dtype=self.dtype,
            profile=profile,
            adapters=self.identity.adapters,
            reproducible=self.spec.reproducible,
            **asdict(self.draw),
        )


def generator_spec(settings: GenerateSettings) -> GeneratorSpec:
    """Which generator the settings name: the starter, a local path, or a Hub id."""
    source, label = settings.model, settings.model
    if settings.model == STARTER:
        source = str(starter_folder("image-generator"))
    elif Path(settings.model).exists():
        source = str(Path(settings.model).resolve())
        label = Path(source).name
    return GeneratorSpec(
        source=source,
        label=label,
        revision=settings.revision,
        variant=settings.variant,
        dtype=settings.dtype,
        config=settings.config_folder,
        vae=settings.vae,
        loras=tuple(parse_lora(text) for text in settings.loras),
        scheduler=settings.scheduler,
        cache=settings.cache,
        safety_checker=settings.safety_checker,
        compiled=settings.compiled,
        reproducible=settings.reproducible,
    )


def resolve_recipe(settings: GenerateSettings, device_names: Callable[[], list[str]]) -> Recipe:
    """The recipe that the settings ask for, with the model's own defaults filled in.

    Args:
        settings: What the user chose.
        device_names: Where to draw; asked last, since the answer takes seconds to import torch
            and a model that is not there should be said at once.

    Raises:
        ModelError: If the model cannot be found or identified.
        InputError: If it cannot draw the size asked for.
    """
    spec = generator_spec(settings)
    identity = identify_generator(spec)
    width, height = (
        asked or default
        for asked, default in zip(
            (settings.width, settings.height), identity.default_size, strict=True
        )
    )
    if width % identity.size_multiple or height % identity.size_multiple:
        raise InputError(
            f"{identity.label} draws widths and heights that are multiples of "
            f"{identity.size_multiple}, not {width} x {height}; change --width or --height"
        )
    guidance = settings.guidance_scale
    draw = DrawSettings(
        width=width,
        height=height,
        num_inference_steps=settings.num_inference_steps or identity.default_steps,
        guidance_scale=identity.default_guidance if guidance is None else guidance,
        micro_batch_size=settings.micro_batch_size,
    )
    return Recipe(spec, identity, draw, _resolve_dtype(settings.dtype, device_names()[0]))


def _resolve_dtype(dtype: str, device: str) -> str:
    from isekai_gen.models.dtypes import resolve_dtypes

    return resolve_dtypes(dtype, Device(device))
