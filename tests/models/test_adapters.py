"""LoRA adapters: found, checked, fused, and part of what a model is."""

from __future__ import annotations

import importlib.util
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from isekai_gen.errors import MissingDependencyError, ModelError
from isekai_gen.models.adapters import find_lora, fuse_adapters, parse_lora
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import GeneratorSpec, LoraSpec
from tests import tiny_models
from tests.models.conftest import CPU, draw_one, one_line
from tests.models.lora_files import write_lora
from tests.models.test_hub_snapshots import fill_cache


@pytest.fixture(scope="module")
def lora(tiny_folder, tmp_path_factory):
    """File of an adapter for the tiny Stable Diffusion."""
    return write_lora(tmp_path_factory.mktemp("adapters"), tiny_folder("sd"))


@pytest.fixture
def spec_of(tiny_folder):
    def spec(*loras, family="sd"):
        adapters = tuple(LoraSpec(str(source), weight) for source, weight in loras)
        return GeneratorSpec(str(tiny_folder(family)), "model", loras=adapters)

    return spec


def refusal(spec: GeneratorSpec) -> str:
    with pytest.raises(ModelError) as error:
        load_generator(spec, CPU)
    return one_line(error)


def pipeline_of(folder):
    from diffusers import StableDiffusionPipeline

    with tiny_models.seeded_and_quiet():
        return StableDiffusionPipeline.from_pretrained(
            folder, safety_checker=None, requires_safety_checker=False
        )


@pytest.mark.parametrize(
    ("text", "source", "weight"),
    [
        ("style.safetensors", "style.safetensors", 1.0),
        ("owner/name:0.5", "owner/name", 0.5),
        ("a:b.safetensors", "a:b.safetensors", 1.0),
        ("x:-1e-1", "x", -0.1),
    ],
)
def test_a_weight_follows_the_last_colon(text, source, weight):
    assert parse_lora(text) == LoraSpec(source, weight)


@given(st.text(min_size=1).filter(lambda text: ":" not in text), st.floats(-10, 10))
def test_every_finite_weight_is_read_back(source, weight):
    assert parse_lora(f"{source}:{weight!r}") == LoraSpec(source, weight)


@pytest.mark.parametrize("text", ["style:nan", "style:inf", ":0.5"])
def test_a_weight_that_is_no_number_is_refused(text):
    with pytest.raises(ModelError, match="PATH_OR_ID:WEIGHT"):
        parse_lora(text)


def test_fused_adapters_change_the_model_as_loaded_ones_do(lora, tiny_folder, spec_of):
    import torch

    folder = tiny_folder("sd")
    loaded, fused, plain = (pipeline_of(folder) for _ in range(3))
    with tiny_models.seeded_and_quiet():
        loaded.load_lora_weights(str(lora.parent), weight_name=lora.name, adapter_name="one")
        loaded.set_adapters(["one"], adapter_weights=[0.8])
    fuse_adapters(fused, [find_lora(LoraSpec(str(lora), 0.8))], "model")

    def noise_of(pipeline):
        with tiny_models.seeded_and_quiet(), torch.no_grad():
            states = torch.randn(1, 32, 32)
            return pipeline.unet(torch.randn(1, 4, 16, 16), 5, states).sample

    assert torch.allclose(noise_of(fused), noise_of(loaded), atol=1e-5)
    assert not torch.allclose(noise_of(fused), noise_of(plain), atol=1e-2)
    assert {type(part).__name__ for part in fused.unet.modules()} == {
        type(part).__name__ for part in plain.unet.modules()
    }


@pytest.mark.parametrize("family", ["sdxl", "sd3", "flux"])
def test_an_adapter_changes_the_pictures_of_every_family(
    family, tiny_folder, tiny_generator, spec_of, tmp_path
):
    file = write_lora(tmp_path, tiny_folder(family))
    drawn = draw_one(load_generator(spec_of((file, 1.0), family=family), CPU))
    assert drawn.failure == ""
    assert not np.array_equal(drawn.pixels, draw_one(tiny_generator(family)).pixels)


def test_the_weight_and_the_order_of_adapters_are_part_of_what_a_model_is(
    lora, tiny_folder, tmp_path, spec_of
):
    other = write_lora(tmp_path, tiny_folder("sd"), seed=7, name="other")
    digests = [
        identify_generator(spec).digest
        for spec in (
            spec_of(),
            spec_of((lora, 1.0)),
            spec_of((lora, 0.5)),
            spec_of((lora, 1.0), (other, 0.5)),
            spec_of((other, 0.5), (lora, 1.0)),
        )
    ]
    assert len(set(digests)) == 5
    moved = shutil.copy(lora, tmp_path / "moved.safetensors")
    assert identify_generator(spec_of((moved, 1.0))).digest == digests[1]


def test_records_name_adapters_with_weight_and_digest(lora, spec_of):
    import hashlib

    digest = hashlib.sha256(lora.read_bytes()).hexdigest()[:12]
    found = identify_generator(spec_of((lora, 0.5)))
    assert found.adapters == (f"style.safetensors@0.5#{digest}",)
    assert identify_generator(spec_of()).adapters == ()


def test_two_adapters_add_up(lora, tiny_folder, tmp_path, spec_of):
    other = write_lora(tmp_path, tiny_folder("sd"), seed=7, name="other")
    both = draw_one(load_generator(spec_of((lora, 0.8), (other, 0.5)), CPU)).pixels
    first = draw_one(load_generator(spec_of((lora, 0.8)), CPU)).pixels
    assert not np.array_equal(both, first)


def test_a_folder_with_one_adapter_is_that_adapter(lora):
    assert find_lora(LoraSpec(str(lora.parent))).path == lora


def test_a_cached_hub_adapter_needs_no_network(hub_cache, lora):
    fill_cache(hub_cache, "owner/style", lora.parent)
    found = find_lora(LoraSpec("owner/style", 0.5))
    assert (found.label, found.path.name, found.weight) == ("owner/style", lora.name, 0.5)


def test_an_adapter_of_another_family_is_refused(lora, tiny_folder, tmp_path, spec_of):
    assert "does not fit model" in refusal(spec_of((lora, 1.0), family="sdxl"))
    assert "changes no layer" in refusal(spec_of((lora, 1.0), family="flux"))


def test_an_adapter_that_fits_in_part_only_is_refused(lora, tmp_path, spec_of):
    tensors = load_file(lora)
    name = next(name for name in tensors if "to_q.lora_A" in name)
    for end in ("A", "B"):
        key = name.replace("lora_A", f"lora_{end}")
        tensors[key.replace("to_q", "no_such_layer")] = tensors[key].clone()
    save_file(tensors, tmp_path / "part.safetensors")
    line = refusal(spec_of((tmp_path / "part.safetensors", 1.0)))
    assert "part.safetensors" in line
    assert "trained for this model" in line


def test_what_cannot_be_found_or_is_no_adapter_is_one_line(tiny_folder, tmp_path, hub_cache, lora):
    def line(source) -> str:
        with pytest.raises(ModelError) as error:
            find_lora(LoraSpec(str(source)))
        return one_line(error)

    assert "no such file or folder" in line(tmp_path / "missing.safetensors")
    assert "not in the local cache" in line("owner/missing")
    (tmp_path / "style.pt").write_bytes(b"pickle")
    assert "a pickle, which can run code" in line(tmp_path / "style.pt")
    assert "only pickle files" in line(tmp_path)
    (tmp_path / "noise.safetensors").write_bytes(b"\x07" * 100)
    assert "not a safetensors file" in line(tmp_path / "noise.safetensors")
    shutil.copy(lora, tmp_path / "second.safetensors")
    assert "has 2 .safetensors files (noise.safetensors, second.safetensors)" in line(tmp_path)
    unet = tiny_folder("sd") / "unet" / "diffusion_pytorch_model.safetensors"
    assert "holds no LoRA weights" in line(unet)


def test_a_missing_peft_is_said_without_loading_anything(lora, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "peft" else find(name)
    )
    with pytest.raises(MissingDependencyError, match=r"isekai-gen\[lora\]"):
        find_lora(LoraSpec(str(lora)))
