"""The starter models as they are shipped: small, safe, like any other model, and good enough."""

import io
import random
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from isekai_gen.models.encoders import load_encoder
from isekai_gen.models.folders import read_json
from isekai_gen.models.headers import read_tensor_shapes
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import (
    Device,
    DrawRequest,
    DrawSettings,
    EncoderSpec,
    GeneratorSpec,
    starter_folder,
)
from isekai_gen.neighbors.reference import load_reference
from isekai_gen.prompts import shipped_catalog_path, shipped_templates_path
from isekai_gen.prompts.catalog import load_catalog
from isekai_gen.prompts.expansion import expand_prompts
from isekai_gen.prompts.templates import load_templates
from isekai_gen.starter.render.captions import write_caption
from isekai_gen.starter.render.held_out import SHIPPED_CONCEPTS
from isekai_gen.starter.render.sketch import render, sample_sketch
from isekai_gen.starter.render.things import all_things

MAX_BYTES = 36 * 1024 * 1024
WEIGHTS = starter_folder("image-generator").parent
GENERATOR = GeneratorSpec(str(starter_folder("image-generator")), "starter")
ENCODER = EncoderSpec(str(starter_folder("encoder")), "starter")
WORD = re.compile(r"[a-z]+")


@pytest.fixture(scope="module")
def generator():
    return load_generator(GENERATOR, Device("cpu"))


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(ENCODER, Device("cpu"))


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(starter_folder("image-generator") / "tokenizer")


def weight_files() -> list[Path]:
    return sorted(WEIGHTS.rglob("*.safetensors"))


def test_all_weights_together_are_small():
    files = [path for path in WEIGHTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MAX_BYTES


def test_there_is_nothing_but_safetensors_arrays_and_words():
    suffixes = {path.suffix for path in WEIGHTS.rglob("*") if path.is_file()}
    assert suffixes == {".safetensors", ".json", ".npy", ".toml"}
    assert {path.relative_to(WEIGHTS).parent.as_posix() for path in weight_files()} == {
        "encoder",
        "image-generator/text_encoder",
        "image-generator/unet",
        "image-generator/vae",
    }
    for path in WEIGHTS.rglob("*.npy"):
        np.load(path, allow_pickle=False)


@pytest.mark.parametrize("path", weight_files(), ids=lambda path: path.parent.name)
def test_weights_are_half_precision_and_finite(path):
    from safetensors.numpy import load_file

    for name, tensor in load_file(path).items():
        assert tensor.dtype == np.float16 or tensor.dtype.kind == "i", name
        assert np.isfinite(tensor).all(), name


def test_keys_of_the_text_encoder_have_the_prefix_that_every_transformers_reads():
    shapes = read_tensor_shapes(
        starter_folder("image-generator") / "text_encoder/model.safetensors"
    )
    assert shapes
    assert all(name.startswith("text_model.") for name in shapes)


def test_defaults_come_from_the_models_own_folder():
    identity = identify_generator(GENERATOR)
    recommended = read_json(starter_folder("image-generator") / "isekai_gen.json")
    assert identity.pipeline == "StableDiffusionPipeline"
    assert identity.default_size == (128, 128)
    assert identity.default_steps == recommended["num_inference_steps"]
    assert identity.default_guidance == recommended["guidance_scale"]


def test_captions_fit_the_tokenizer_word_for_word(tokenizer):
    """Every word that training can say is one token; the longest caption fits 32."""
    rng = random.Random("vocabulary")
    captions = [write_caption(sample_sketch(rng), rng) for _ in range(4_000)]
    assert tokenizer.model_max_length == 32
    assert max(len(ids) for ids in tokenizer(captions).input_ids) <= 32
    words = {word for caption in captions for word in WORD.findall(caption)}
    assert {w: n for w in words if (n := len(tokenizer(w).input_ids) - 2) != 1} == {}


def test_prompts_of_the_shipped_catalog_fit_the_tokenizer_word_for_word(tokenizer):
    templates = load_templates(shipped_templates_path("starter"))
    prompts = [
        prompt.text
        for concept in load_catalog(shipped_catalog_path()).concepts
        for prompt in expand_prompts(templates, concept, range(100), 0)
    ]
    assert max(len(ids) for ids in tokenizer(prompts).input_ids) <= 32
    words = {word for prompt in prompts for word in WORD.findall(prompt)}
    assert {w: n for w in words if (n := len(tokenizer(w).input_ids) - 2) != 1} == {}


def settings_of(steps: int) -> DrawSettings:
    identity = identify_generator(GENERATOR)
    return DrawSettings(*identity.default_size, steps, identity.default_guidance, 3)


def test_a_drawing_depends_on_its_seed_and_prompt_and_not_on_its_neighbors(generator):
    settings = settings_of(4)
    wanted = DrawRequest(1, "a hedgehog with cactus spines in a meadow", "", 7)
    alone = generator.draw([wanted], settings)[0]
    assert (alone.failure, alone.pixels.shape, alone.pixels.dtype) == ("", (128, 128, 3), np.uint8)
    others = [DrawRequest(0, "a teapot", "", 1), DrawRequest(2, "a car on the grass", "", 2)]
    among = {drawn.row: drawn for drawn in generator.draw([others[0], wanted, others[1]], settings)}
    assert among[1].pixels.tobytes() == alone.pixels.tobytes()
    assert among[0].pixels.tobytes() != among[2].pixels.tobytes()


def test_another_seed_or_prompt_is_another_drawing(generator):
    def drawn(prompt: str, seed: int) -> bytes:
        return generator.draw([DrawRequest(0, prompt, "", seed)], settings_of(2))[
            0
        ].pixels.tobytes()

    base = drawn("a teapot", 1)
    assert base == drawn("a teapot", 1)
    assert base != drawn("a teapot", 2)
    assert base != drawn("a crab", 1)


def test_the_reference_set_was_made_with_the_shipped_encoder(encoder):
    reference = load_reference(starter_folder("reference"))
    assert reference.encoder == encoder.digest, "rebuild starter/weights/reference"
    assert reference.text.vectors.shape == reference.prototypes.vectors.shape
    assert reference.text.vectors.shape[1] == encoder.dim
    assert [entry.name for entry in reference.classes] == list(all_things())


def test_the_reference_sets_classes_lie_where_the_encoder_puts_their_renders(encoder):
    """Fresh renders of the real things are nearest to their own class's prototype."""
    reference = load_reference(starter_folder("reference"))
    names = [entry.name for entry in reference.classes]
    pictures = []
    for name in names:
        rng = random.Random(f"reference/{name}")
        pictures.append(Image.fromarray(render(sample_sketch(rng, body=name), rng)))
    nearest = (encoder.encode_images(pictures) @ reference.prototypes.vectors.T).argmax(axis=1)
    assert (nearest == np.arange(len(names))).mean() >= 0.9


def jpeg_of(picture: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=50)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


@pytest.mark.parametrize("copy_of", [jpeg_of, ImageOps.mirror], ids=["jpeg", "flip"])
def test_the_encoder_tells_a_copy_from_another_picture_of_the_same_concept(encoder, copy_of):
    rng = random.Random("copies")
    originals, others = [], []
    for concept in SHIPPED_CONCEPTS:
        for pictures in (originals, others):
            sketch = sample_sketch(rng, body=concept.body, feature=concept.feature)
            pictures.append(Image.fromarray(render(sketch, rng)))
    own = encoder.encode_images(originals)
    copies = (own * encoder.encode_images([copy_of(picture) for picture in originals])).sum(axis=1)
    different = (own * encoder.encode_images(others)).sum(axis=1)
    # Mann-Whitney: the chance that a copy is more similar than another picture.
    assert (copies[:, None] > different[None, :]).mean() >= 0.97
    assert (copies > different).mean() >= 0.9
