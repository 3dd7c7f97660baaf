"""Single .safetensors checkpoints: recognized by their tensors, loaded with a configuration."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

from isekai_gen.errors import ModelError
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.loading import load_generator
from isekai_gen.models.single_files import identify_checkpoint
from isekai_gen.models.spec import GeneratorSpec
from tests.models.conftest import CPU, draw_one, one_line
from tests.models.single_file_checkpoints import build_tiny_single_file
from tests.models.test_hub_snapshots import fill_cache

INPUT = "model.diffusion_model.input_blocks.0.0.weight"
ATTENTION = "model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"
LAST = "model.diffusion_model.output_blocks.11.0.skip_connection.weight"
XL_TEXT = "conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias"
SD3 = "joint_blocks.0.context_block.adaLN_modulation.1.bias"
SD35_LARGE = "joint_blocks.37.x_block.mlp.fc1.weight"
FLUX = "double_blocks.0.img_attn.norm.key_norm.scale"
GUIDANCE = "guidance_in.in_layer.bias"


@pytest.fixture(scope="module")
def tiny_pair(tmp_path_factory):
    """(diffusers folder, single file) of the same weights."""
    return build_tiny_single_file(tmp_path_factory.mktemp("single"))


def spec(path, **changes):
    return GeneratorSpec(str(path), "single", **changes)


def test_a_single_file_draws_the_same_pixels_as_its_folder(tiny_pair):
    folder, file = tiny_pair
    from_file = draw_one(load_generator(spec(file, config=str(folder)), CPU))
    from_folder = draw_one(load_generator(spec(folder), CPU))
    assert from_file.failure == ""
    assert np.array_equal(from_file.pixels, from_folder.pixels)


def test_the_configuration_is_taken_from_the_hub_cache(tiny_pair, hub_cache):
    folder, file = tiny_pair
    snapshot = fill_cache(hub_cache, "stable-diffusion-v1-5/stable-diffusion-v1-5", folder)
    for weights in snapshot.rglob("*.safetensors"):
        weights.unlink()
    assert draw_one(load_generator(spec(file), CPU)).failure == ""


def test_a_single_file_is_identified_by_its_bytes_and_configuration(tiny_pair, tmp_path):
    folder, file = tiny_pair
    found = identify_generator(spec(file, config=str(folder)))
    assert (found.pipeline, found.default_size) == ("StableDiffusionPipeline", (64, 64))
    moved = shutil.copy(file, tmp_path / "renamed.safetensors")
    assert identify_generator(spec(moved, config=str(folder))).digest == found.digest
    assert identify_generator(spec(folder)).digest != found.digest


def test_without_a_configuration_offline_the_remedy_is_named(tiny_pair, hub_cache):
    with pytest.raises(ModelError, match=r"is a Stable Diffusion 1\.x checkpoint") as error:
        load_generator(spec(tiny_pair[1]), CPU)
    line = one_line(error)
    assert "hf download stable-diffusion-v1-5/stable-diffusion-v1-5" in line
    assert str(hub_cache) in line


def test_one_component_is_no_checkpoint(tiny_folder):
    unet = tiny_folder("sd") / "unet" / "diffusion_pytorch_model.safetensors"
    with pytest.raises(ModelError, match="not a text-to-image checkpoint"):
        load_generator(spec(unet), CPU)


def test_a_variant_makes_no_sense_for_a_single_file(tiny_pair):
    with pytest.raises(ModelError, match="has no variants"):
        load_generator(spec(tiny_pair[1], variant="fp16"), CPU)


@pytest.mark.parametrize(
    ("tensors", "title"),
    [
        ({INPUT: (8, 4, 3, 3), LAST: (8,), ATTENTION: (8, 768)}, "Stable Diffusion 1.x"),
        ({INPUT: (8, 4, 3, 3), LAST: (8,), ATTENTION: (8, 1024)}, "Stable Diffusion 2.x"),
        ({INPUT: (8, 4, 3, 3), XL_TEXT: (8,)}, "Stable Diffusion XL"),
        ({SD3: (9216,), "pos_embed": (1, 192 * 192, 2)}, "Stable Diffusion 3"),
        ({SD3: (9216,), "pos_embed": (1, 384 * 384, 1)}, "Stable Diffusion 3.5 medium"),
        ({SD3: (9216,), SD35_LARGE: (2, 2)}, "Stable Diffusion 3.5 large"),
        ({FLUX: (8,), "img_in.weight": (8, 64), GUIDANCE: (8,)}, "Flux dev"),
        ({"model.diffusion_model." + FLUX: (8,)}, "Flux schnell"),
    ],
)
def test_checkpoints_are_recognized_by_their_tensors(tmp_path, tensors, title):
    path = tmp_path / "model.safetensors"
    save_file({name: np.zeros(shape, np.float16) for name, shape in tensors.items()}, path)
    assert identify_checkpoint(path).title == title


@pytest.mark.parametrize(
    "tensors",
    [
        {INPUT: (8, 9, 3, 3), LAST: (8,), ATTENTION: (8, 768)},
        {INPUT: (8, 4, 3, 3)},
        {FLUX: (8,), "img_in.weight": (8, 384), GUIDANCE: (8,)},
        {"lora_unet_down.weight": (4, 4)},
    ],
    ids=["inpainting", "unknown UNet", "Flux fill", "LoRA"],
)
def test_what_cannot_draw_from_text_alone_is_refused(tmp_path, tensors):
    path = tmp_path / "model.safetensors"
    save_file({name: np.zeros(shape, np.float16) for name, shape in tensors.items()}, path)
    with pytest.raises(ModelError, match="not a text-to-image checkpoint"):
        identify_checkpoint(path)
