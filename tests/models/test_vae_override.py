"""A VAE in place of the model's own: found, checked against the model, and drawn with."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from isekai_gen.errors import ModelError
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import GeneratorSpec
from tests.models.conftest import CPU, draw_one, one_line
from tests.models.single_file_checkpoints import build_tiny_single_file
from tests.models.test_hub_snapshots import COMMIT, fill_cache

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def other_vae(tiny_folder, tmp_path):
    """A VAE like that of the tiny Stable Diffusion, with other weights."""
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_folder("sd") / "vae", tmp_path / "other-vae")
    tensors = load_file(folder / WEIGHTS)
    tensors["decoder.conv_out.bias"] += 0.3
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


@pytest.fixture
def spec_of(tiny_folder):
    def spec(vae, family="sd", **changes):
        return GeneratorSpec(
            str(tiny_folder(family)), family, vae=None if vae is None else str(vae), **changes
        )

    return spec


def refusal(spec: GeneratorSpec) -> str:
    with pytest.raises(ModelError) as error:
        identify_generator(spec)
    return one_line(error)


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_pictures_are_those_of_the_other_vae(spec_of, other_vae, tiny_generator):
    drawn = draw_one(load_generator(spec_of(other_vae), CPU)).pixels
    plain = draw_one(tiny_generator("sd")).pixels
    assert drawn.mean() > plain.mean() + 10


def test_the_models_own_vae_named_by_hand_draws_the_same(spec_of, tiny_folder, tiny_generator):
    plain = draw_one(tiny_generator("sd")).pixels
    for source in (tiny_folder("sd"), tiny_folder("sd") / "vae"):
        assert np.array_equal(draw_one(load_generator(spec_of(source), CPU)).pixels, plain)


def test_the_digest_covers_the_weights_of_the_vae_that_is_used(spec_of, other_vae, tiny_folder):
    plain, replaced = identify_generator(spec_of(None)), identify_generator(spec_of(other_vae))
    own = identify_generator(spec_of(tiny_folder("sd") / "vae"))
    assert len({plain.digest, replaced.digest, own.digest}) == 3
    (told,) = replaced.adapters
    assert told.startswith("other-vae@vae#")
    edit_config(other_vae, force_upcast=False)
    assert identify_generator(spec_of(other_vae)).digest != replaced.digest


def test_weights_of_the_replaced_vae_are_not_needed(tiny_folder, other_vae, tmp_path):
    folder = shutil.copytree(tiny_folder("sd"), tmp_path / "copy")
    (folder / "vae" / WEIGHTS).unlink()
    spec = GeneratorSpec(str(folder), "tiny", vae=str(other_vae))
    assert draw_one(load_generator(spec, CPU)).failure == ""


def test_a_vae_from_the_hub_cache(spec_of, other_vae, hub_cache):
    fill_cache(hub_cache, "owner/vae", other_vae)
    found = identify_generator(spec_of("owner/vae"))
    assert found.adapters[0].startswith("owner/vae@vae#")
    assert found.digest == identify_generator(spec_of(other_vae)).digest
    assert COMMIT not in found.revision


def test_a_single_file_takes_another_vae(tmp_path, other_vae):
    folder, file = build_tiny_single_file(tmp_path / "single")
    spec = GeneratorSpec(str(file), "single", config=str(folder), vae=str(folder / "vae"))
    plain = GeneratorSpec(str(file), "single", config=str(folder))
    drawn, expected = (draw_one(load_generator(each, CPU)).pixels for each in (spec, plain))
    assert np.array_equal(drawn, expected)


def test_the_vae_may_have_a_number_format_of_its_own(spec_of, other_vae):
    import torch

    generator = load_generator(spec_of(other_vae, dtype="bfloat16,vae=float32"), CPU)
    assert generator._pipeline.vae.dtype == torch.float32
    assert draw_one(generator).failure == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [("latent_channels", 16), ("_class_name", "AutoencoderTiny"), ("scaling_factor", 0.13025)],
)
def test_a_vae_with_other_latents_is_refused(key, value, spec_of, other_vae):
    edit_config(other_vae, **{key: value})
    line = refusal(spec_of(other_vae))
    assert f"its {key.lstrip('_')} is {value}" in line


def test_a_vae_of_another_family_is_refused(spec_of, tiny_folder):
    assert "its shift_factor is None, where sd3 needs 0.06" in refusal(
        spec_of(tiny_folder("sd"), "sd3")
    )


def test_what_is_no_vae_is_one_line(spec_of, other_vae, tiny_folder, tmp_path):
    assert "no such folder" in refusal(spec_of("./missing"))
    assert "not in the local cache" in refusal(spec_of("owner/missing"))
    assert "a single file; pass a folder" in refusal(spec_of(other_vae / WEIGHTS))
    assert "no config.json and no vae/config.json" in refusal(spec_of(tmp_path))
    (other_vae / WEIGHTS).write_bytes(b"\x07" * 50)
    assert "not a safetensors file" in refusal(spec_of(other_vae))
    (other_vae / WEIGHTS).rename(other_vae / "diffusion_pytorch_model.bin")
    assert "pickle" in refusal(spec_of(other_vae))
