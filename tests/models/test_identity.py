"""Identity and defaults come from the files alone."""

from __future__ import annotations

import json
import shutil

import pytest

from isekai_gen.errors import ModelError
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import GeneratorSpec
from tests import tiny_models
from tests.models.conftest import CPU


@pytest.fixture
def copy(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder("sd"), tmp_path / "copy")


def identify(folder, label="model"):
    return identify_generator(GeneratorSpec(str(folder), label))


def edit_json(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("family", "pipeline", "scheduler", "size", "steps", "guidance", "negative", "multiple"),
    [
        ("sd", "StableDiffusionPipeline", "DDIMScheduler", 64, 25, 7.5, True, 8),
        ("sdxl", "StableDiffusionXLPipeline", "EulerDiscreteScheduler", 64, 25, 5.0, True, 8),
        (
            "sd3",
            "StableDiffusion3Pipeline",
            "FlowMatchEulerDiscreteScheduler",
            64,
            28,
            4.5,
            True,
            16,
        ),
        ("flux", "FluxPipeline", "FlowMatchEulerDiscreteScheduler", 256, 28, 3.5, False, 16),
    ],
)
def test_each_family_is_known_from_its_files(
    tiny_folder, family, pipeline, scheduler, size, steps, guidance, negative, multiple
):
    found = identify(tiny_folder(family))
    assert (found.pipeline, found.scheduler) == (pipeline, scheduler)
    assert found.default_size == (size, size)
    assert (found.default_steps, found.default_guidance) == (steps, guidance)
    assert (found.accepts_negative_prompt, found.size_multiple) == (negative, multiple)
    assert found.revision == ""


def test_the_digest_does_not_depend_on_the_path_or_the_label(tiny_folder, copy):
    assert identify(copy, "other").digest == identify(tiny_folder("sd")).digest


@pytest.mark.parametrize(
    "name", ["unet/diffusion_pytorch_model.safetensors", "tokenizer/tokenizer.json"]
)
def test_any_changed_byte_that_loading_reads_changes_the_digest(copy, name):
    before = identify(copy).digest
    content = bytearray((copy / name).read_bytes())
    content[-2] ^= 1
    (copy / name).write_bytes(content)
    assert identify(copy).digest != before


def test_files_that_loading_ignores_do_not_count(copy):
    before = identify(copy).digest
    (copy / "README.md").write_text("hello")
    (copy / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    (copy / "unet" / "diffusion_pytorch_model.non_ema.safetensors").write_bytes(b"other")
    assert identify(copy).digest == before


def test_the_scheduler_digest_covers_its_settings_only(copy):
    path = copy / "scheduler" / "scheduler_config.json"
    before = identify(copy).scheduler_config_digest
    edit_json(path, _diffusers_version="9.9")
    assert identify(copy).scheduler_config_digest == before
    edit_json(path, beta_end=0.02)
    assert identify(copy).scheduler_config_digest != before


def test_the_models_own_defaults_come_first(copy):
    before = identify(copy)
    defaults = {"num_inference_steps": 8, "guidance_scale": 4.0}
    (copy / "isekai_gen.json").write_text(json.dumps(defaults))
    found = identify(copy)
    assert found.digest == before.digest
    assert (found.default_steps, found.default_guidance) == (8, 4.0)


@pytest.mark.parametrize(
    "content",
    [
        {"num_inference_steps": 8},
        {"num_inference_steps": 8, "guidance_scale": 4.0, "sampler": "x"},
        {"num_inference_steps": 0, "guidance_scale": 4.0},
        {"num_inference_steps": 8.5, "guidance_scale": 4.0},
        {"num_inference_steps": 8, "guidance_scale": "high"},
    ],
)
def test_own_defaults_that_make_no_sense_are_refused(copy, content):
    (copy / "isekai_gen.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"isekai_gen\.json"):
        identify(copy)


def test_a_turbo_model_draws_in_few_steps_without_guidance(copy):
    found = identify(copy, "sdxl-turbo")
    assert (found.default_steps, found.default_guidance) == (4, 0.0)


def test_a_folder_above_called_turbo_makes_no_turbo_model(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder("sd"), tmp_path / "turbo" / "plain")
    assert identify(folder).default_steps == 25


def test_an_lcm_scheduler_draws_in_few_steps(copy):
    edit_json(copy / "model_index.json", scheduler=["diffusers", "LCMScheduler"])
    found = identify(copy)
    assert (found.default_steps, found.default_guidance) == (4, 1.0)


def test_flux_without_guidance_draws_in_few_steps(tmp_path):
    folder = tiny_models.build_tiny_flux(tmp_path / "flux", guidance_embeds=False)
    found = identify(folder)
    assert (found.default_steps, found.default_guidance) == (4, 0.0)


def test_a_sample_size_with_two_sides_is_height_and_width(copy):
    edit_json(copy / "unet" / "config.json", sample_size=[32, 64])
    assert identify(copy).default_size == (128, 64)


def test_a_missing_scheduler_is_named(copy):
    (copy / "scheduler" / "scheduler_config.json").rename(copy / "scheduler" / "other.json")
    with pytest.raises(ModelError, match=r"scheduler_config\.json is missing"):
        identify(copy)


def test_a_safety_checker_that_is_not_wanted_is_neither_needed_nor_hashed(tmp_path):
    folder = tiny_models.build_tiny_sd_with_checker(tmp_path / "sd", flags_everything=False)
    unchecked = GeneratorSpec(str(folder), "model", safety_checker=False)
    checked = identify(folder).digest
    without = identify_generator(unchecked).digest
    assert without != checked
    (folder / "safety_checker" / "model.safetensors").unlink()
    assert identify_generator(unchecked).digest == without
    assert load_generator(unchecked, CPU)._pipeline.config.requires_safety_checker is False
    with pytest.raises(ModelError, match="safety_checker"):
        identify(folder)


def test_asking_for_a_checker_that_a_model_does_not_have_changes_nothing(copy):
    unchecked = identify_generator(GeneratorSpec(str(copy), "model", safety_checker=False))
    assert unchecked.digest == identify(copy).digest
