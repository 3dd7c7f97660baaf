"""Presets: complete, valid, and stronger than what an older isekai.toml says."""

from __future__ import annotations

import json

import pytest

from isekai_gen.errors import InputError
from isekai_gen.models.identity import identify_generator
from isekai_gen.models.presets import MODEL_KEYS, PRESETS, preset_settings
from isekai_gen.models.schedulers import parse_scheduler
from isekai_gen.models.spec import GeneratorSpec, starter_folder
from isekai_gen.settings import DEFAULT, GenerateSettings, Settings


def keys_of_the_section() -> set[str]:
    fields = GenerateSettings.model_fields
    return {field.alias or name for name, field in fields.items()}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_says_all_that_drawing_needs(name):
    chosen = Settings().with_overrides(preset_settings(name)).generate
    assert chosen.model == PRESETS[name].model
    for key in ("num_inference_steps", "guidance_scale", "width", "height"):
        assert getattr(chosen, key) is not None, key
    assert PRESETS[name].settings.keys() <= set(MODEL_KEYS)
    if chosen.scheduler is not None:
        parse_scheduler(chosen.scheduler)


def test_model_keys_are_keys_of_isekai_toml():
    assert set(MODEL_KEYS) < keys_of_the_section()


def test_every_setting_is_of_the_model_or_of_the_dataset():
    # A new setting of GenerateSettings must be put on one side, or presets leave it stale.
    of_the_dataset = {
        "allow_truncation",
        "compile",
        "image_format",
        "images_per_concept",
        "prompt_metadata",
        "reproducible",
        "safety_checker",
        "sampling",
        "seed",
        "shard_size",
        "wildcards",
    }
    assert keys_of_the_section() - set(MODEL_KEYS) == of_the_dataset


def test_a_preset_resets_what_belongs_to_another_model():
    older = Settings().with_overrides(
        {
            "generate": {
                "model": "owner/other",
                "revision": "v2",
                "scheduler": "flow-euler",
                "vae": "owner/vae",
                "loras": ("owner/lora:0.5",),
                "cache": "taylorseer",
                "seed": 7,
                "images_per_concept": 3,
            }
        }
    )
    chosen = older.with_overrides(preset_settings("sdxl")).generate
    assert (chosen.revision, chosen.scheduler, chosen.vae, chosen.loras, chosen.cache) == (
        None,
        None,
        None,
        (),
        None,
    )
    assert (chosen.seed, chosen.images_per_concept) == (7, 3)


def test_options_are_stronger_than_a_preset():
    overrides = preset_settings("sd15")
    overrides["generate"].update({"num_inference_steps": 30, "scheduler": "ddim"})
    chosen = Settings().with_overrides(overrides).generate
    assert (chosen.num_inference_steps, chosen.scheduler, chosen.width) == (30, "ddim", 512)


def test_the_starter_preset_is_what_the_starter_itself_asks_for():
    folder = starter_folder("image-generator")
    own = json.loads((folder / "isekai_gen.json").read_text())
    preset = PRESETS["starter"].settings
    assert {key: preset[key] for key in own} == own
    found = identify_generator(GeneratorSpec(str(folder), "starter"))
    assert (preset["width"], preset["height"]) == found.default_size


def test_an_unknown_preset_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match=r"did you mean 'sdxl-turbo'\? known: starter, sd15"):
        preset_settings("sdxlturbo")


def test_the_default_resets_and_none_leaves_alone():
    before = Settings().with_overrides({"generate": {"width": 64, "height": 64}})
    after = before.with_overrides({"generate": {"width": DEFAULT, "height": None}}).generate
    assert (after.width, after.height) == (None, 64)
