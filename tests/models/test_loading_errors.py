"""Every broken model becomes one clear line, and pickles and foreign code never run."""

from __future__ import annotations

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from isekai_gen.errors import ModelError
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import Device, GeneratorSpec
from tests import tiny_models
from tests.models.conftest import CPU, draw_one, one_line

UNET = "unet/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"


@pytest.fixture
def copy(tiny_folder, tmp_path):
    """A copy of the tiny Stable Diffusion that a test may break."""
    return shutil.copytree(tiny_folder("sd"), tmp_path / "copy")


def refusal(source, **changes) -> str:
    """The line that loading gives."""
    with pytest.raises(ModelError) as error:
        load_generator(GeneratorSpec(str(source), "broken", **changes), CPU)
    return one_line(error)


def change_index(folder, **changes):
    path = folder / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_hub_id_that_is_not_cached_offline(hub_cache):
    line = refusal("owner/some-model", revision="v2")
    assert "owner/some-model@v2" in line
    assert str(hub_cache) in line
    assert "hf download owner/some-model" in line


@pytest.mark.parametrize(
    "source", ["/no/such/folder", "./missing", "~nobody-9/x", "a/b/c", "m.safetensors"]
)
def test_a_missing_path(source):
    assert "no such file or folder" in refusal(source)


def test_an_impossible_hub_id():
    assert "neither a local path nor a Hub id" in refusal("owner/-bad name-")


def test_a_folder_without_an_index(tmp_path):
    assert "no model_index.json" in refusal(tmp_path)


def test_one_component_instead_of_the_pipeline(copy):
    assert "pass the folder above it" in refusal(copy / "unet")


def test_an_index_that_is_not_json(copy):
    (copy / "model_index.json").write_text("{")
    assert "not readable as JSON" in refusal(copy)


def test_an_unknown_pipeline_class(copy):
    change_index(copy, _class_name="FooPipeline")
    assert "'FooPipeline' is unknown to diffusers" in refusal(copy)


def test_a_pipeline_that_does_not_draw_from_text(copy):
    change_index(copy, _class_name="DDPMPipeline")
    assert "takes no prompt" in refusal(copy)


def test_custom_code_is_never_run(copy):
    mark = copy / "ran"
    (copy / "pipeline.py").write_text(f"open({str(mark)!r}, 'w')\n")
    change_index(copy, _class_name=["pipeline", "Evil"])
    assert "custom pipeline code" in refusal(copy)
    assert not mark.exists()


def test_a_component_with_custom_code_is_never_run(copy):
    mark = copy / "ran"
    (copy / "unet" / "evil.py").write_text(f"open({str(mark)!r}, 'w')\n")
    change_index(copy, unet=["evil", "EvilUNet"])
    assert "cannot load this model" in refusal(copy)
    assert not mark.exists()


def test_pickled_weights_are_refused(tmp_path):
    folder = tiny_models.build_tiny_sd(tmp_path / "pickled", pickle=True)
    line = refusal(folder)
    assert "pickle" in line
    assert "convert them to .safetensors" in line


@pytest.mark.parametrize("name", ["model.ckpt", "model.pt", "model.bin"])
def test_a_pickled_single_file_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04.")
    assert "pickle" in refusal(tmp_path / name)


def test_weights_only_in_a_variant_name_it(tmp_path):
    folder = tiny_models.build_tiny_sd(tmp_path / "half", variant="fp16")
    assert "pass --variant fp16" in refusal(folder)
    assert "has only fp16" in refusal(folder, variant="bf16")
    loaded = load_generator(GeneratorSpec(str(folder), "half", variant="fp16"), CPU)
    assert draw_one(loaded).failure == ""


def test_a_variant_that_the_model_lacks(copy):
    assert "no weights of variant 'fp16'" in refusal(copy, variant="fp16")


@pytest.mark.parametrize("name", [UNET, TEXT])
def test_missing_weights(copy, name):
    (copy / name).unlink()
    assert "weights (.safetensors) are missing" in refusal(copy)


def test_a_missing_component(copy):
    shutil.rmtree(copy / "vae")
    assert "component 'vae'" in refusal(copy)


@pytest.mark.parametrize("content", [b"", b"garbage!" * 20, b"\xff" * 64])
def test_weights_that_are_no_safetensors(copy, content):
    (copy / UNET).write_bytes(content)
    assert "weights cannot be read" in refusal(copy)


@pytest.mark.parametrize("cut", [1, 1000, 100_000])
def test_truncated_weights(copy, cut):
    whole = (copy / UNET).read_bytes()
    (copy / UNET).write_bytes(whole[:-cut])
    assert "weights cannot be read" in refusal(copy)


@pytest.mark.parametrize("name", [UNET, TEXT])
def test_weights_that_lack_a_parameter_are_not_filled_with_random_numbers(copy, name):
    tensors = load_file(copy / name)
    del tensors[sorted(tensors)[5]]
    save_file(tensors, copy / name, metadata={"format": "pt"})
    assert "lack some of the model's parameters" in refusal(copy)


@pytest.mark.parametrize("name", [UNET, TEXT])
def test_weights_of_another_shape(copy, name):
    tensors = load_file(copy / name)
    first = sorted(tensors)[5]
    tensors[first] = tensors[first].flatten()[:3].clone()
    save_file(tensors, copy / name, metadata={"format": "pt"})
    assert "cannot load this model" in refusal(copy)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"revision": "main"}, "--revision is for Hub models"),
        ({"config": "somewhere"}, "for single .safetensors files"),
        ({"dtype": "float8"}, "unknown dtype 'float8'"),
    ],
)
def test_options_that_do_not_apply(copy, changes, expected):
    assert expected in refusal(copy, **changes)


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "cuda:x"])
def test_a_device_that_is_not_here(copy, name):
    with pytest.raises(ModelError, match="device"):
        load_generator(GeneratorSpec(str(copy), "copy"), Device(name))


def test_an_image_to_image_checkpoint_draws_from_text(copy, tiny_generator):
    change_index(copy, _class_name="StableDiffusionImg2ImgPipeline")
    drawn = draw_one(load_generator(GeneratorSpec(str(copy), "copy"), CPU))
    assert (drawn.pixels == draw_one(tiny_generator("sd")).pixels).all()
