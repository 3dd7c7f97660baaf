"""Options of models and limits, each declared once and used by several commands."""

from __future__ import annotations

from pathlib import Path

import click

from isekai_gen.cli.options import combined, setting

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

concepts_option = click.option(
    "--concepts",
    type=_FILE,
    envvar="ISEKAI_GEN_CONCEPTS",
    show_envvar=True,
    help="Catalog of concepts. [default: the workspace's own]",
)
templates_option = click.option(
    "--templates",
    type=_FILE,
    envvar="ISEKAI_GEN_TEMPLATES",
    show_envvar=True,
    help="Prompt templates. [default: the workspace's own, else those shipped for the model]",
)
model_option = setting(
    "--model",
    "generate.model",
    metavar="starter|HUB_ID|DIR|FILE",
    help="Image generator: a Hub id, a diffusers folder or a .safetensors file. [default: starter]",
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

drawing_options = combined(
    concepts_option,
    templates_option,
    model_option,
    setting("--revision", "generate.revision", help="Branch, tag or commit of a Hub model."),
    setting("--variant", "generate.variant", help="Weights variant, such as fp16."),
    setting(
        "--dtype",
        "generate.dtype",
        type=click.Choice(["auto", "float32", "float16", "bfloat16"]),
        help="Number format. [default: auto]",
    ),
    setting(
        "--model-config",
        "generate.model_config",
        type=click.Path(exists=True, file_okay=False),
        help="Folder with the pipeline configuration of a single file.",
    ),
    images_option,
    seed_option,
    setting(
        "--num-inference-steps",
        "generate.num_inference_steps",
        type=click.IntRange(min=1),
        help="Denoising steps. [default: the model's own]",
    ),
    setting(
        "--guidance-scale",
        "generate.guidance_scale",
        type=click.FloatRange(min=0),
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
        help="Images in a part file. [default: 64]",
    ),
    setting(
        "--allow-truncation/--no-allow-truncation",
        "generate.allow_truncation",
        help="Whether prompts may be longer than the model reads. [default: no]",
    ),
    setting(
        "--prompt-in-image/--no-prompt-in-image",
        "generate.prompt_in_image",
        help="Whether PNG files carry their prompts. [default: yes]",
    ),
)

encoder_option = setting(
    "--encoder",
    "embed.encoder",
    metavar="starter|ARCH/TAG|DIR",
    help="OpenCLIP encoder. [default: starter]",
)
overlap_options = combined(
    setting(
        "--reference",
        "class_overlap.reference",
        metavar="NAME|DIR",
        help="Reference set. [default: the starter's own; else ImageNet-1k class names]",
    ),
    setting(
        "--max-margin",
        "class_overlap.max_margin",
        type=click.FloatRange(-2, 2),
        help="How much more like a class than like its own concept an image may be. [default: 0]",
    ),
    setting(
        "--own-quantile",
        "class_overlap.own_quantile",
        type=float,
        help="0.05, 0.25 or 0.5: which of the class's own images it must reach. [default: 0.25]",
    ),
)
duplicate_options = combined(
    setting(
        "--max-similarity",
        "near_duplicate.max_similarity",
        type=click.FloatRange(-1, 1),
        help="Kept images are pairwise at or below this cosine similarity. [default: 0.95]",
    ),
    setting(
        "--within",
        "near_duplicate.within",
        type=click.Choice(["concept", "group", "all"]),
        help="Which pairs count. [default: all]",
    ),
    setting(
        "--search",
        "near_duplicate.search",
        type=click.Choice(["blocks", "faiss"]),
        help="How candidates are found; both find the same pairs. [default: blocks]",
    ),
)
neighbor_options = combined(
    setting(
        "--nearest",
        "neighbors.nearest",
        type=click.IntRange(min=1),
        help="Classes in the nearest table, per concept. [default: 10]",
    ),
    setting(
        "--bins",
        "neighbors.bins",
        type=click.IntRange(min=1),
        help="Ranks in the rank-stratified table, per concept. [default: 10]",
    ),
)
manifest_options = combined(
    setting(
        "--shots",
        "manifest.shots",
        type=click.IntRange(min=1),
        help="Support images per side. [default: what every group can give, up to 8]",
    ),
    setting(
        "--manifest-seed",
        "manifest.seed",
        type=click.IntRange(min=0),
        help="Seed of the support sets. [default: 0]",
    ),
)
release_options = combined(
    setting(
        "--name",
        "release.name",
        envvar="ISEKAI_GEN_RELEASE_NAME",
        help="Title. [default: the catalog's name]",
    ),
    setting(
        "--release-version",
        "release.version",
        help="MAJOR.MINOR.PATCH. [default: 1.0.0]",
    ),
    setting("--license", "release.license", help="License of the images. [default: cc0-1.0]"),
    setting(
        "--license-file",
        "release.license_file",
        type=click.Path(exists=True, dir_okay=False),
        help="Full text of a license that is not shipped.",
    ),
)
