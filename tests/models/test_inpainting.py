"""Inpainting with the family that drew a picture, or an error; never another model."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from isekai_gen.errors import ModelError
from isekai_gen.models.inpainting import (
    InpaintRequest,
    NotFiniteError,
    load_inpainter,
    require_inpainting,
)
from isekai_gen.models.spec import GeneratorSpec
from tests import tiny_models
from tests.models.conftest import CPU, one_line

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
LEFT = np.repeat((np.arange(48) < 24)[None], 32, axis=0)


def request_of(**changes) -> InpaintRequest:
    values = {
        "prompt": "a green hill",
        "negative_prompt": "",
        "seed": 3,
        "num_inference_steps": 2,
        "guidance_scale": 3.0,
    }
    return InpaintRequest(**{**values, **changes})


@pytest.fixture(scope="module")
def inpainter_of(tiny_folder):
    loaded = {}

    def inpainter(family: str):
        if family not in loaded:
            loaded[family] = load_inpainter(GeneratorSpec(str(tiny_folder(family)), family), CPU)
        return loaded[family]

    return inpainter


@pytest.mark.parametrize("family", ["sd", "sdxl", "flux"])
def test_a_family_that_can_draws_the_mask_anew_by_its_seed_alone(inpainter_of, family):
    inpainter = inpainter_of(family)
    drawn = inpainter.inpaint(PICTURE, LEFT, request_of())
    assert drawn.shape == PICTURE.shape
    assert drawn.dtype == np.uint8
    inpainter.inpaint(PICTURE, ~LEFT, request_of(seed=9))
    assert np.array_equal(drawn, inpainter.inpaint(PICTURE, LEFT, request_of()))
    other = inpainter.inpaint(PICTURE, LEFT, request_of(seed=4))
    assert not np.array_equal(drawn[:, :20], other[:, :20])


def test_a_safety_checker_blacks_nothing_out(tmp_path):
    folder = tiny_models.build_tiny_sd_with_checker(tmp_path / "checked", flags_everything=True)
    checked, unchecked = (
        load_inpainter(GeneratorSpec(str(folder), "tiny", safety_checker=having), CPU)
        for having in (True, False)
    )
    drawn = checked.inpaint(PICTURE, LEFT, request_of())
    assert np.array_equal(drawn, unchecked.inpaint(PICTURE, LEFT, request_of()))


def test_what_is_not_a_number_is_said_and_the_model_stays_of_use(inpainter_of, tmp_path):
    folder = tiny_models.build_tiny_sd(tmp_path / "broken")
    tiny_models.make_it_draw_nan(folder)
    broken = load_inpainter(GeneratorSpec(str(folder), "broken"), CPU)
    for _ in range(2):
        with pytest.raises(NotFiniteError, match="not a number; use another dtype or refill"):
            broken.inpaint(PICTURE, LEFT, request_of())


def test_what_a_pipeline_refuses_is_one_line_with_its_reason(inpainter_of):
    # A transformer of 4 channels, where inpainting with this family takes 16.
    with pytest.raises(ModelError, match="16 input channels") as error:
        inpainter_of("sd3").inpaint(PICTURE, LEFT, request_of())
    one_line(error)


def test_prompts_and_strength_count(inpainter_of):
    inpainter = inpainter_of("sd")
    plain = inpainter.inpaint(PICTURE, LEFT, request_of())
    for changes in (
        {"prompt": "blue sky"},
        {"negative_prompt": "a hedgehog"},
        {"strength": 0.5},
        {"num_inference_steps": 3},
        {"guidance_scale": 6.0},
    ):
        assert not np.array_equal(plain, inpainter.inpaint(PICTURE, LEFT, request_of(**changes)))


def test_a_negative_prompt_that_a_family_would_ignore_is_refused(inpainter_of):
    with pytest.raises(ModelError, match="negative"):
        inpainter_of("flux").inpaint(PICTURE, LEFT, request_of(negative_prompt="a hedgehog"))


def test_a_size_that_a_model_cannot_draw_is_refused(inpainter_of):
    with pytest.raises(ModelError) as error:
        inpainter_of("sd").inpaint(PICTURE[:31], LEFT[:31], request_of())
    assert "31" in one_line(error)


def test_a_family_without_inpainting_is_refused():
    with pytest.raises(ModelError, match="PixArtSigmaPipeline draws whole pictures only") as error:
        require_inpainting("PixArtSigmaPipeline", "sigma")
    one_line(error)


def test_a_mask_that_covers_nothing_or_another_picture_is_refused(inpainter_of):
    for masked in (np.zeros_like(LEFT), LEFT[:16]):
        with pytest.raises(ValueError, match="a mask must cover"):
            inpainter_of("sd").inpaint(PICTURE, masked, request_of())


def test_requests_that_would_draw_nothing_are_refused():
    with pytest.raises(ValueError, match="strength"):
        request_of(strength=0.0)
    with pytest.raises(ValueError, match="none at all"):
        request_of(strength=0.3)


def test_a_damaged_model_is_refused_as_by_the_generator(tiny_folder, tmp_path):
    copy = shutil.copytree(tiny_folder("sd"), tmp_path / "copy")
    (copy / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelError) as error:
        load_inpainter(GeneratorSpec(str(copy), "broken"), CPU)
    one_line(error)
