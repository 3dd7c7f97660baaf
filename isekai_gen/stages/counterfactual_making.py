"""What all counterfactual samples of a run have in common: settings, every default filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from isekai_gen.counterfactuals.masks import DEFAULT_LIMIT, MaskShape
from isekai_gen.errors import InputError
from isekai_gen.hashing import digest_of
from isekai_gen.models.activation_maps import ActivationMethod, Target
from isekai_gen.models.encoder_facts import measured_object_limit
from isekai_gen.models.encoder_files import encoder_library, identify_encoder
from isekai_gen.models.inpainting import InpaintRequest, require_inpainting
from isekai_gen.models.spec import Device, EncoderSpec, GeneratorSpec
from isekai_gen.prompts.catalog import Catalog
from isekai_gen.settings import STARTER
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed import main_encoder_spec, own_prompts
from isekai_gen.stages.recipe import resolve_recipe
from isekai_gen.stages.workers import common_profile, settled_dtype

MAKING_VERSION = 1
"""Changes when the same settings give other pixels."""
# Nothing tells the model what belongs there: it goes on with what it sees.
_PROMPT = ""


@dataclass(frozen=True)
class Inpainting:
    """How masks are drawn anew.

    Attributes:
        spec: The image generator.
        request: How it draws, with seed 0.
        described: What a sample's recipe says of it.
    """

    spec: GeneratorSpec
    request: InpaintRequest
    described: Mapping[str, Any]


@dataclass(frozen=True)
class Making:
    """How objects are found and replaced; picklable.

    Attributes:
        spec: The encoder that finds objects.
        encoder: Its digest.
        method: How it does.
        target: What its maps explain.
        limit: Activation above which a place belongs to the object.
        limit_source: Where the limit comes from.
        shape: Of masks.
        texts: Concept slug to the prompts that describe it.
        profile: Of the machines that do the work.
        inpainting: Where a refill is drawn.
        prompt_metadata: Whether pictures say what would tell their label.
    """

    spec: EncoderSpec
    encoder: str
    method: ActivationMethod
    target: Target
    limit: float
    limit_source: str
    shape: MaskShape
    texts: Mapping[str, Sequence[str]]
    profile: Mapping[str, str]
    inpainting: Inpainting | None
    prompt_metadata: bool

    def fingerprint(self) -> dict[str, Any]:
        """Everything that pixels depend on beside a sample's recipe and pictures, JSON-ready."""
        return {
            "version": MAKING_VERSION,
            "encoder": self.encoder,
            **encoder_library(self.spec),
            "method": self.method,
            "target": self.target,
            "limit": self.limit,
            "shape": self.shape,
            "texts": digest_of({slug: list(texts) for slug, texts in self.texts.items()}),
            "profile": dict(self.profile),
            "inpainting": dict(self.inpainting.described) if self.inpainting else {},
            "prompt_metadata": self.prompt_metadata,
        }


def resolve_making(context: StageContext, catalog: Catalog) -> Making:
    """What the settings ask for, checked against the models.

    Raises:
        InputError: If there are too few concepts for the target.
        ModelError: If the encoder shows no maps by the method, or the generator cannot inpaint.
    """
    settings = context.settings.counterfactuals
    if settings.target != "similarity" and len(catalog.concepts) < 2:
        raise InputError(
            f"--target {settings.target} compares concepts, and the catalog has one; use "
            "--target similarity"
        )
    encoder = context.settings.embed.encoder
    spec = main_encoder_spec(encoder)
    digest = identify_encoder(spec)
    limit, source = _limit(context, spec)
    devices = context.device_names()
    inpainting = _inpainting(context) if "inpaint" in settings.refills else None
    profile = common_profile(devices, "float32", context.engine)
    return Making(
        spec=spec,
        encoder=digest,
        method=_usable_method(spec, settings.method),
        target=settings.target,
        limit=limit,
        limit_source=source,
        shape=settings.shape,
        texts={
            each.slug: own_prompts(each, for_starter=encoder == STARTER)
            for each in catalog.concepts
        },
        profile=profile,
        inpainting=inpainting,
        prompt_metadata=context.settings.generate.prompt_metadata,
    )


def _limit(context: StageContext, spec: EncoderSpec) -> tuple[float, str]:
    said = context.settings.counterfactuals.limit
    if said is not None:
        return said, "option/isekai.toml"
    measured = measured_object_limit(spec)
    if measured is not None:
        return measured, f"measured with {spec.label}"
    return DEFAULT_LIMIT, "default"


def _usable_method(
    spec: EncoderSpec, wanted: ActivationMethod | Literal["auto", "random"]
) -> ActivationMethod:
    """The method asked for, or the best that the encoder's image tower allows."""
    from isekai_gen.models.activation import load_activation_mapper

    # What a tower allows does not depend on the device, and the workers need theirs.
    mapper = load_activation_mapper(spec, Device("cpu"))
    if wanted == "auto" or wanted == "random":
        return mapper.best_method
    mapper.require(wanted)
    return wanted


def _inpainting(context: StageContext) -> Inpainting:
    recipe = resolve_recipe(settled_dtype(context), context.device_names)
    require_inpainting(recipe.identity.pipeline, recipe.identity.label)
    request = InpaintRequest(
        prompt=_PROMPT,
        negative_prompt="",
        seed=0,
        num_inference_steps=recipe.draw.num_inference_steps,
        guidance_scale=recipe.draw.guidance_scale,
    )
    profile = common_profile(context.device_names(), recipe.dtype, context.engine)
    own = {key: value for key, value in asdict(request).items() if key != "seed"}
    described = {**recipe.canonical(), **own, "profile": digest_of(profile)}
    # Size and row belong to whole pictures that are drawn in batches.
    for name in ("width", "height", "micro_batch_size"):
        del described[name]
    return Inpainting(recipe.spec, request, described)
