"""Activation maps: on a grid, in [0, 1], of their own picture and text alone, for every tower."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isekai_gen.errors import ModelError
from isekai_gen.models.activation import (
    ACTIVATION_METHODS,
    TARGETS,
    ActivationMapper,
    ActivationMaps,
    ConceptTexts,
    load_activation_mapper,
)
from isekai_gen.models.encoders import load_encoder
from isekai_gen.models.spec import EncoderSpec, starter_folder
from tests.models.conftest import CPU, one_line
from tests.tiny_models import seeded_and_quiet

TEXTS = ["a red hedgehog", "an octopus vacuum cleaner", "a mushroom house at night"]
TOWERS = {
    "vit": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "vit with patch dropout": {
        "image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8,
        "patch_dropout": 0.5,
    },
    "vit of patch means": {
        "image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8,
        "pool_type": "avg",
    },
    "vit with pooling attention": {
        "image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8,
        "attentional_pool": True, "attn_pooler_heads": 4,
    },
    "vit with normalized queries": {
        "image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8,
        "qk_norm": True,
    },
    "resnet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32},
    "timm vit": {"image_size": 160, "timm_model_name": "test_vit", "timm_pool": "token",
                 "timm_proj": "linear"},
    "timm convolutions": {"image_size": 64, "timm_model_name": "test_convnext", "timm_pool": "avg",
                          "timm_proj": "linear"},
}  # fmt: skip
GRIDS = {"vit": (4, 4), "resnet": (2, 2), "timm vit": (10, 10), "timm convolutions": (2, 2)}


@pytest.fixture(scope="module")
def tower_folder(tiny_encoder_folder, tmp_path_factory):
    """Folder of a tiny OpenCLIP model with another image tower, random weights; by its name."""
    root = tmp_path_factory.mktemp("towers")

    def build(name: str) -> Path:
        folder = root / name.replace(" ", "-")
        if not folder.exists():
            shutil.copytree(tiny_encoder_folder, folder)
            _replace_tower(folder, TOWERS[name])
        return folder

    return build


def _replace_tower(folder: Path, vision: dict) -> None:
    import open_clip
    from safetensors.torch import save_file

    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["vision_cfg"] = vision
    path.write_text(json.dumps(config))
    with seeded_and_quiet(3):
        model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
        for parameter in model.visual.parameters():
            if not parameter.any():  # residual networks begin with branches that do nothing
                parameter.data.normal_(std=0.2)
        tensors = {key: tensor.contiguous() for key, tensor in model.state_dict().items()}
        save_file(tensors, folder / "open_clip_model.safetensors")


@pytest.fixture(scope="module")
def mapper_of(tower_folder):
    loaded: dict[str, ActivationMapper] = {}

    def mapper(name: str) -> ActivationMapper:
        if name not in loaded:
            spec = EncoderSpec(str(tower_folder(name)), "tiny")
            loaded[name] = load_activation_mapper(spec, CPU)
        return loaded[name]

    return mapper


def noise(count: int, seed: int = 0) -> list[Image.Image]:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 40, 48, 3), dtype=np.uint8)
    return [Image.fromarray(each) for each in pixels]


def texts_of(mapper: ActivationMapper, own: list[int], target="contrast") -> ConceptTexts:
    return ConceptTexts(mapper.encoder.encode_texts(TEXTS), np.array(own), target)


def maps_of(mapper, images, method="gradcam", target="contrast") -> ActivationMaps:
    own = [number % len(TEXTS) for number in range(len(images))]
    return mapper.maps(images, texts_of(mapper, own, target), method)


@pytest.mark.parametrize("name", TOWERS)
@pytest.mark.parametrize("method", ACTIVATION_METHODS)
def test_every_tower_gives_maps_in_0_to_1_or_says_why_not(mapper_of, name, method):
    mapper = mapper_of(name)
    if method == "relevance" and mapper.best_method != "relevance":
        with pytest.raises(ModelError, match="use Grad-CAM"):
            maps_of(mapper, noise(2), method)
        return
    made = maps_of(mapper, noise(3), method)
    assert made.values.shape == (3, *GRIDS.get(name, (4, 4)))
    assert made.values.dtype == np.float32
    assert made.values.min() >= 0
    assert made.found.any()
    assert np.array_equal(made.values.max(axis=(1, 2)), made.found.astype(np.float32))


def test_relevance_is_best_where_attention_leads_from_the_embedding_to_patches(mapper_of):
    best = {name: mapper_of(name).best_method for name in TOWERS}
    assert [name for name, method in best.items() if method == "gradcam"] == [
        "vit with pooling attention",
        "vit with normalized queries",
        "resnet",
        "timm convolutions",
    ]


@pytest.mark.parametrize("name", ["vit", "resnet", "timm vit"])
@pytest.mark.parametrize("method", ACTIVATION_METHODS)
def test_a_map_is_the_same_to_the_bit_in_any_company(mapper_of, name, method):
    mapper = mapper_of(name)
    if method == "relevance" and mapper.best_method != method:
        pytest.skip("a residual network has no relevance")
    images = noise(18)
    together = maps_of(mapper, images, method)
    alone = mapper.maps(images[16:17], texts_of(mapper, [16 % 3]), method)
    assert np.array_equal(together.values[16:17], alone.values)
    assert np.array_equal(together.values, maps_of(mapper, images, method).values)
    assert len(np.unique(together.values, axis=0)) > 1


def test_similarities_are_those_of_the_encoder(mapper_of, tower_folder):
    mapper = mapper_of("vit")
    encoder = load_encoder(EncoderSpec(str(tower_folder("vit")), "tiny"), CPU)
    images = noise(3)
    texts = texts_of(mapper, [2, 0, 1])
    vectors = encoder.encode_images(images)
    expected = (vectors * texts.vectors[[2, 0, 1]]).sum(axis=1)
    for method in ACTIVATION_METHODS:
        found = mapper.maps(images, texts, method).similarities
        assert np.allclose(found, expected, atol=1e-5)
    assert mapper.digest == encoder.digest


def test_watching_leaves_the_encoder_as_it_was(mapper_of):
    mapper = mapper_of("timm vit")
    before = mapper.encoder.encode_images(noise(2))
    maps_of(mapper, noise(2), "relevance")
    assert np.array_equal(mapper.encoder.encode_images(noise(2)), before)


def test_targets_explain_different_things(mapper_of):
    made = [maps_of(mapper_of("vit"), noise(3), target=target).values for target in TARGETS]
    assert not np.allclose(made[0], made[1])
    assert not np.allclose(made[1], made[2])


@pytest.mark.parametrize("name", ["vit", "vit of patch means"])
def test_nothing_that_speaks_for_a_target_is_an_outcome_and_no_division_by_zero(mapper_of, name):
    mapper = mapper_of(name)
    same = mapper.encoder.encode_texts(TEXTS[:1])
    # Against itself there is nothing to tell a concept by.
    texts = ConceptTexts(np.concatenate([same, same]), np.array([0, 1]), "contrast")
    for method in ACTIVATION_METHODS:
        made = mapper.maps(noise(2), texts, method)
        assert not made.found.any()
        assert not made.values.any()


def test_texts_that_do_not_fit_are_refused(mapper_of):
    mapper = mapper_of("vit")
    with pytest.raises(ValueError, match="own texts"):
        mapper.maps(noise(2), texts_of(mapper, [0]), "gradcam")
    with pytest.raises(ValueError, match="rows of 3"):
        texts_of(mapper, [3])
    with pytest.raises(ValueError, match="at least two"):
        ConceptTexts(np.ones((1, 4), np.float32), np.array([0]), "contrast")


def test_an_encoder_that_reads_no_text_is_refused(tmp_path):
    from tests.encoder_models import build_tiny_timm

    spec = EncoderSpec(str(build_tiny_timm(tmp_path / "timm")), "tiny")
    with pytest.raises(ModelError) as error:
        load_activation_mapper(spec, CPU)
    assert "text" in one_line(error)


def test_relevance_finds_the_thing_that_the_renderer_drew():
    """The starter encoder, on pictures whose true mask is known: well above any random mask."""
    import random

    from isekai_gen.starter.render.sketch import render, sample_sketch
    from isekai_gen.starter.render.true_mask import true_mask

    mapper = load_activation_mapper(EncoderSpec(str(starter_folder("encoder")), "starter"), CPU)
    names = ["cat", "house", "rocket", "mushroom"]
    images, truths = [], []
    for number in range(16):
        rng = random.Random(number)
        sketch = sample_sketch(rng, body=names[number % 4])
        truths.append(true_mask(sketch, random.Random(f"pose {number}")))
        images.append(Image.fromarray(render(sketch, random.Random(f"pose {number}"))))
    vectors = mapper.encoder.encode_texts([f"a {name}" for name in names])
    texts = ConceptTexts(vectors, np.arange(16) % 4)
    made = mapper.maps(images, texts, mapper.best_method)
    masks = np.repeat(np.repeat(made.values > 0.2, 16, axis=1), 16, axis=2)
    truth = np.array(truths)
    overlaps = (masks & truth).sum(axis=(1, 2)) / (masks | truth).sum(axis=(1, 2))
    assert overlaps.mean() > 0.4
