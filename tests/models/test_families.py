"""The table of families agrees with diffusers itself."""

from __future__ import annotations

import inspect

import pytest

from isekai_gen.models.families import (
    default_steps_and_guidance,
    family_of,
    text_to_image_class_name,
    uses_negative_prompt,
)


@pytest.fixture(scope="module")
def auto_pipeline():
    from diffusers.pipelines import auto_pipeline

    return auto_pipeline


@pytest.fixture(scope="module")
def text_to_image(auto_pipeline):
    """Text-to-image classes by the name that a model may be saved under."""
    mapping = auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING
    return {found.__name__: found for found in mapping.values()}


def test_names_map_as_diffusers_maps_them(auto_pipeline):
    mapping = auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING
    named = {
        found.__name__
        for other in (
            mapping,
            auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING,
            auto_pipeline.AUTO_INPAINT_PIPELINES_MAPPING,
            auto_pipeline._AUTO_TEXT2IMAGE_DECODER_PIPELINES_MAPPING,
        )
        for found in other.values()
    }
    theirs = {name: auto_pipeline._get_task_class(mapping, name, False) for name in named}
    expected = {name: found.__name__ if found else name for name, found in theirs.items()}
    assert {name: text_to_image_class_name(name) for name in named} == expected


def test_negative_prompts_are_promised_only_where_the_call_takes_them(text_to_image):
    promised = {name for name in text_to_image if family_of(name).negative}
    accepted = {
        name
        for name, found in text_to_image.items()
        if "negative_prompt" in inspect.signature(found.__call__).parameters
    }
    assert promised <= accepted


def test_guidance_is_promised_just_where_the_call_has_a_scale(text_to_image):
    # A default of None marks a scale for distilled models only (QwenImage, Ideogram).
    scales = {
        name: inspect.signature(found.__call__).parameters.get("guidance_scale")
        for name, found in text_to_image.items()
    }
    expected = {
        name: scale is not None and scale.default is not None for name, scale in scales.items()
    }
    assert {name: family_of(name).guided for name in text_to_image} == expected


def test_default_guidance_is_one_that_the_family_has(text_to_image):
    for name in text_to_image:
        steps, guidance = default_steps_and_guidance(name, "", "", {})
        assert steps >= 1
        assert guidance == 0 or family_of(name).guided


@pytest.mark.parametrize(
    ("pipeline", "guidance", "used"),
    [
        ("StableDiffusionXLPipeline", 5.0, True),
        ("StableDiffusionXLPipeline", 1.0, False),
        ("StableDiffusionXLPipeline", 0.0, False),
        ("FluxPipeline", 3.5, False),
        ("LatentConsistencyModelPipeline", 8.5, False),
    ],
)
def test_whether_a_negative_prompt_has_an_effect(pipeline, guidance, used):
    assert uses_negative_prompt(pipeline, guidance) is used


def test_every_family_of_diffusers_has_traits_that_fit_its_call(text_to_image):
    for name, found in text_to_image.items():
        family = family_of(name)
        parameters = inspect.signature(found.__call__).parameters
        assert 1 <= family.steps <= 100, name
        assert 0 <= family.guidance <= 10, name
        tokenizers = {part for part in inspect.signature(found).parameters if "tokenizer" in part}
        assert set(family.text_limits or {}) <= tokenizers, name
        # What every drawing call hands over.
        assert {"prompt", "width", "height", "generator", "output_type"} <= set(parameters), name


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("sdxl_lightning_4step.safetensors", 4),
        ("SDXL-Lightning-8steps", 8),
        ("lightning_1step_x0", 1),
        ("dreamshaper-xl-lightning", 4),
        ("model2023step-lightning", 4),
    ],
)
def test_a_lightning_checkpoint_draws_in_the_steps_of_its_name(name, steps):
    found = default_steps_and_guidance("StableDiffusionXLPipeline", name, "", {})
    assert found == (steps, 0.0)


def test_steps_in_a_name_count_for_distilled_checkpoints_only():
    found = default_steps_and_guidance("StableDiffusionXLPipeline", "trained-8step", "", {})
    assert found == (25, 5.0)
