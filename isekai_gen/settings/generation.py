"""[generate]: which model draws what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isekai_gen.settings.section import STARTER, Positive, Section


class GenerateSettings(Section):
    """[generate]: which model draws what.

    Attributes:
        model: "starter", a Hub id, a diffusers folder or a .safetensors file.
        revision: Branch, tag or commit of a Hub model.
        variant: Weights variant, such as "fp16".
        dtype: "auto" is float32 on the CPU; "bfloat16,vae=float32" names components apart.
        config_folder: Pipeline configuration of a single file (key `model_config`).
        vae: Folder or Hub id of a VAE that takes the place of the model's own.
        loras: LoRA adapters, each PATH_OR_ID or PATH_OR_ID:WEIGHT.
        scheduler: NAME or NAME:KEY=VALUE,... in place of the model's own scheduler.
        cache: Name of a diffusers step cache, which trades likeness for speed.
        safety_checker: Whether a model's own safety checker looks at the images.
        compiled: Whether the networks are compiled (key `compile`); other last bits.
        reproducible: Whether schedulers and caches that break reproducibility are refused.
        images_per_concept: Images planned for each concept.
        seed: Seed of the dataset; every image's own seed follows from it.
        sampling: Order in which prompts are taken from the space of a concept.
        wildcards: Folder of wildcard files; None for the workspace's own, if there is one.
        num_inference_steps: Denoising steps.
        guidance_scale: Classifier-free guidance scale.
        width: Pixels.
        height: Pixels.
        micro_batch_size: Fixed batch shape; images drawn with another size differ in their bits.
        shard_size: Images a part file holds; None for a size that follows from the plan's.
        allow_truncation: Whether prompts may be longer than the model can read.
        image_format: Format of image files; WebP is lossless, JPEG is not.
        prompt_metadata: Whether image files carry what tells their label, such as the prompt.
    """

    model: str = STARTER
    revision: str | None = None
    variant: str | None = None
    dtype: str = "auto"
    config_folder: str | None = Field(default=None, alias="model_config")
    vae: str | None = None
    loras: tuple[str, ...] = ()
    scheduler: str | None = None
    cache: str | None = None
    safety_checker: bool = True
    compiled: bool = Field(default=False, alias="compile")
    reproducible: bool = True
    images_per_concept: Positive = 12
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    sampling: Literal["stratified", "permuted", "exhaustive", "random"] = "stratified"
    wildcards: str | None = None
    num_inference_steps: Positive | None = None
    guidance_scale: Annotated[float, Field(ge=0)] | None = None
    width: Positive | None = None
    height: Positive | None = None
    micro_batch_size: Positive = 4
    shard_size: Positive | None = None
    allow_truncation: bool = False
    image_format: Literal["png", "webp", "jpeg"] = "png"
    prompt_metadata: bool = True
