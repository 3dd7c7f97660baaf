"""What differs between families of text-to-image pipelines, known without importing diffusers.

The table below is the one place for defaults when neither the user nor the model's own
`isekai_gen.json` names them:

| pipeline                                       | steps | guidance |
|------------------------------------------------|-------|----------|
| "turbo" in the model's name (SD, SDXL, SD3)    | 4     | 0        |
| "lightning" in the model's name (SD, SDXL, SD3)| *     | 0        |
| LCM scheduler in an SD or SDXL pipeline        | 4     | 1        |
| LatentConsistencyModelPipeline                 | 4     | 8.5      |
| StableDiffusionPipeline                        | 25    | 7.5      |
| StableDiffusionXLPipeline                      | 25    | 5        |
| StableDiffusion3Pipeline                       | 28    | 4.5      |
| FluxPipeline, guidance embedded (dev)          | 28    | 3.5      |
| FluxPipeline, no guidance embedded (schnell)   | 4     | 0        |
| PixArt, Sana                                   | 20    | 4.5      |
| HunyuanDiTPipeline                             | 50    | 5        |
| pipelines without a guidance scale             | 50    | 0        |
| any other                                      | 28    | 4        |

* as the name says ("4step"), else 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Family:
    """Traits of one pipeline class.

    Attributes:
        steps: Default denoising steps.
        guidance: Default guidance scale.
        negative: Whether a negative prompt changes the picture.
        guided: Whether there is a guidance scale at all.
        fixed_text_length: Whether prompts are padded to a length that does not depend on the
            other prompts of the batch; without it a picture would depend on its neighbors.
        text_limits: Window in tokens that the pipeline sets for a tokenizer, below the
            tokenizer's own.
    """

    steps: int = 28
    guidance: float = 4.0
    negative: bool = True
    guided: bool = True
    fixed_text_length: bool = False
    text_limits: Mapping[str, int] | None = None


_FAMILIES: dict[str, Family] = {
    "StableDiffusionPipeline": Family(25, 7.5, fixed_text_length=True),
    "StableDiffusionXLPipeline": Family(25, 5.0, fixed_text_length=True),
    "StableDiffusion3Pipeline": Family(
        28, 4.5, fixed_text_length=True, text_limits={"tokenizer_3": 256}
    ),
    # Flux uses a negative prompt only with true_cfg_scale > 1, which no setting of ours sends.
    "FluxPipeline": Family(
        28, 3.5, negative=False, fixed_text_length=True, text_limits={"tokenizer_2": 512}
    ),
    "LatentConsistencyModelPipeline": Family(4, 8.5, negative=False, fixed_text_length=True),
    "PixArtAlphaPipeline": Family(20, 4.5, fixed_text_length=True, text_limits={"tokenizer": 120}),
    "PixArtSigmaPipeline": Family(20, 4.5, fixed_text_length=True, text_limits={"tokenizer": 300}),
    "SanaPipeline": Family(20, 4.5, fixed_text_length=True, text_limits={"tokenizer": 300}),
    "HunyuanDiTPipeline": Family(50, 5.0, fixed_text_length=True),
    "FluxControlNetPipeline": Family(28, 3.5, negative=False),
    "FluxKontextPipeline": Family(28, 3.5, negative=False),
    "FluxControlPipeline": Family(negative=False),
    "Flux2Pipeline": Family(negative=False),
    "Flux2KleinPipeline": Family(negative=False),
    "GlmImagePipeline": Family(50, 1.5, negative=False),
    "Ideogram4Pipeline": Family(48, 0.0, negative=False, guided=False),
    "WuerstchenCombinedPipeline": Family(12, 0.0, guided=False),
    "StableCascadeCombinedPipeline": Family(20, 0.0, guided=False),
    "QwenImagePipeline": Family(50, 0.0, guided=False),
    "QwenImage21Pipeline": Family(40, 0.0, guided=False),
    "QwenImageControlNetPipeline": Family(50, 0.0, guided=False),
}
_OTHER = Family()
_DISTILLED = frozenset(
    {"StableDiffusionPipeline", "StableDiffusionXLPipeline", "StableDiffusion3Pipeline"}
)

_STEPS_IN_NAME = re.compile(r"(?<!\d)(\d{1,2})[-_ ]?steps?(?![a-z])")

# Decoder halves that diffusers runs through a pipeline with its prior in front.
_COMBINED = {
    "KandinskyPipeline": "KandinskyCombinedPipeline",
    "KandinskyV22Pipeline": "KandinskyV22CombinedPipeline",
    "WuerstchenDecoderPipeline": "WuerstchenCombinedPipeline",
    "StableCascadeDecoderPipeline": "StableCascadeCombinedPipeline",
}

# Beside the editing models: those whose text-to-image sibling is made of other parts.
_NO_SIBLING = frozenset({"ZImageControlNetInpaintPipeline"})


def text_to_image_class_name(named: str) -> str:
    """The pipeline class that draws from text with a model saved as class `named`.

    An image-to-image or inpainting checkpoint holds the same parts as its text-to-image family
    ("StableDiffusionImg2ImgPipeline" is drawn with "StableDiffusionPipeline").
    """
    if named in _COMBINED:
        return _COMBINED[named]
    if "Edit" in named or named in _NO_SIBLING:
        return named
    return re.sub(r"Img2Img|Inpainting|Inpaint", "", named)


def family_of(pipeline: str) -> Family:
    """Traits of a text-to-image pipeline class; the last row of the table if it is not listed."""
    return _FAMILIES.get(pipeline, _OTHER)


def uses_negative_prompt(pipeline: str, guidance_scale: float) -> bool:
    """Whether a negative prompt has any effect at this guidance scale.

    Classifier-free guidance, and the negative prompt with it, is off at a scale of 1 or below;
    pipelines without a guidance scale decide for themselves.
    """
    family = family_of(pipeline)
    return family.negative and (guidance_scale > 1 or not family.guided)


def default_steps_and_guidance(
    pipeline: str, name: str, scheduler: str, transformer: Mapping[str, Any]
) -> tuple[int, float]:
    """Denoising steps and guidance scale by the table of this module.

    Args:
        pipeline: Text-to-image class name.
        name: The model's name, as the user or the model gives it.
        scheduler: Scheduler class name.
        transformer: Configuration of the transformer, {} if there is none.
    """
    family = family_of(pipeline)
    if pipeline in _DISTILLED and "turbo" in name.lower():
        return 4, 0.0
    if pipeline in _DISTILLED and "lightning" in name.lower():
        told = _STEPS_IN_NAME.search(name.lower())
        return int(told[1]) if told else 4, 0.0
    if pipeline in _DISTILLED and scheduler.startswith("LCM"):
        return 4, 1.0
    if pipeline == "FluxPipeline" and not transformer.get("guidance_embeds", False):
        return 4, 0.0
    return family.steps, family.guidance
