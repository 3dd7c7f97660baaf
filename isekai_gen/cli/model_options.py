"""Options of models and drawing, declared once each and used by several commands."""

from __future__ import annotations

from pathlib import Path

import click

from isekai_gen.cli.option_types import FiniteRange, InputFile
from isekai_gen.cli.options import combined, request_option, setting

_FILE = InputFile()

concepts_option = request_option(
    "--concepts",
    type=_FILE,
    help="Catalog of concepts. [default: the workspace's own]",
)
templates_option = request_option(
    "--templates",
    type=_FILE,
    help="Prompt templates. [default: the workspace's own, else those shipped for the model]",
)


def _absolute_loras(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Local paths made absolute, so that a later command in another folder finds them too."""
    from isekai_gen.models.adapters import parse_lora

    absolute = []
    for text in texts or ():
        source = parse_lora(text).source
        found = str(Path(source).resolve()) if Path(source).exists() else source
        absolute.append(found + text[len(source) :])
    return tuple(absolute)


model_option = setting(
    "--model",
    "generate.model",
    metavar="starter|HUB_ID|DIR|FILE",
    help="Image generator: a Hub id, a diffusers folder or a .safetensors file. [default: starter]",
)
preset_option = request_option(
    "--preset",
    help="Model with sensible settings; options beside it win (`isekai-gen models` lists them).",
)
images_option = setting(
    "-n --images-per-concept",
    "generate.images_per_concept",
    type=click.IntRange(min=1),
    help="Images planned for each concept. [default: 12]",
)
seed_option = setting(
    "--seed",
    "generate.seed",
    type=click.IntRange(min=0),
    help="Seed of the dataset. [default: 0]",
)

sampling_option = setting(
    "--sampling",
    "generate.sampling",
    type=click.Choice(["stratified", "permuted", "exhaustive", "random"]),
    help="Order in which prompts are taken from their space. [default: stratified]",
)
wildcards_option = setting(
    "--wildcards",
    "generate.wildcards",
    type=click.Path(exists=True, file_okay=False),
    help="Folder of wildcard files (.txt, .yaml). [default: the workspace's own, if there is one]",
)

drawing_options = combined(
    concepts_option,
    templates_option,
    model_option,
    preset_option,
    setting("--revision", "generate.revision", help="Branch, tag or commit of a Hub model."),
    setting("--variant", "generate.variant", help="Weights variant, such as fp16."),
    setting(
        "--dtype",
        "generate.dtype",
        metavar="DTYPE[,PART=DTYPE...]",
        help="auto, float32, float16 or bfloat16, such as bfloat16,vae=float32. [default: auto]",
    ),
    setting(
        "--model-config",
        "generate.model_config",
        type=click.Path(exists=True, file_okay=False),
        help="Folder with the pipeline configuration of a single file.",
    ),
    setting("--vae", "generate.vae", metavar="DIR|HUB_ID", help="VAE in place of the model's."),
    setting(
        "--lora",
        "generate.loras",
        multiple=True,
        callback=_absolute_loras,
        metavar="PATH_OR_ID[:WEIGHT]",
        help="LoRA adapter; may be given several times.",
    ),
    setting(
        "--scheduler",
        "generate.scheduler",
        metavar="NAME[:KEY=VALUE,...]",
        help="Such as dpm++ or euler-a:timestep_spacing=trailing. [default: the model's own]",
    ),
    setting(
        "--cache",
        "generate.cache",
        metavar="NAME",
        help="Step cache of a transformer model: faster, less alike. [default: none]",
    ),
    setting(
        "--safety-checker/--no-safety-checker",
        "generate.safety_checker",
        help="Whether a model's own safety checker looks at the images. [default: yes]",
    ),
    setting(
        "--compile/--no-compile",
        "generate.compile",
        help="Compile the networks: minutes to start, faster from then on. [default: no]",
    ),
    setting(
        "--reproducible/--not-reproducible",
        "generate.reproducible",
        help="Whether schedulers and caches that break reproducibility are refused. [default: yes]",
    ),
    images_option,
    seed_option,
    sampling_option,
    wildcards_option,
    setting(
        "--num-inference-steps",
        "generate.num_inference_steps",
        type=click.IntRange(min=1),
        help="Denoising steps. [default: the model's own]",
    ),
    setting(
        "--guidance-scale",
        "generate.guidance_scale",
        type=FiniteRange(min=0),
        help="Classifier-free guidance scale. [default: the model's own]",
    ),
    setting(
        "--width",
        "generate.width",
        type=click.IntRange(min=8),
        help="Pixels. [default: the model's own]",
    ),
    setting(
        "--height",
        "generate.height",
        type=click.IntRange(min=8),
        help="Pixels. [default: the model's own]",
    ),
    setting(
        "--micro-batch-size",
        "generate.micro_batch_size",
        type=click.IntRange(min=1),
        help="Images drawn at once; part of every image's recipe. [default: 4]",
    ),
    setting(
        "--shard-size",
        "generate.shard_size",
        type=click.IntRange(min=1),
        help="Images in a part file. [default: follows from the size of the plan]",
    ),
    setting(
        "--allow-truncation/--no-allow-truncation",
        "generate.allow_truncation",
        help="Whether prompts may be longer than the model reads. [default: no]",
    ),
    setting(
        "--image-format",
        "generate.image_format",
        type=click.Choice(["png", "webp", "jpeg"]),
        help="png and webp are lossless, jpeg is not. [default: png]",
    ),
    setting(
        "--prompt-metadata/--no-prompt-metadata",
        "generate.prompt_metadata",
        help="Whether image files carry prompt, concept and slots. [default: yes]",
    ),
)
