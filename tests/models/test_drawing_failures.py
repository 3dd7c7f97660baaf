"""Bad pictures fail alone with a reason; bad settings are refused, never ignored."""

from __future__ import annotations

import numpy as np
import pytest

from isekai_gen.errors import ModelError
from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import DrawRequest, GeneratorSpec
from tests import tiny_models
from tests.models.conftest import CPU, draw_one, one_line, settings


@pytest.fixture
def own_generator(tiny_folder):
    """A generator that a test may break."""
    return load_generator(GeneratorSpec(str(tiny_folder("sd")), "own"), CPU)


def test_weights_that_are_not_numbers_give_a_failed_row(own_generator):
    own_generator._pipeline.unet.conv_out.bias.data.fill_(float("nan"))
    image = draw_one(own_generator)
    assert (image.failure, image.pixels) == ("not finite", None)


def test_a_constant_picture_is_a_failed_row(own_generator):
    decoder = own_generator._pipeline.vae.decoder
    decoder.conv_out.weight.data.zero_()
    decoder.conv_out.bias.data.zero_()
    image = draw_one(own_generator)
    assert (image.failure, image.pixels) == ("constant picture", None)


def test_a_bad_row_leaves_its_neighbors_alone(own_generator):
    pipeline = own_generator._pipeline
    decode = pipeline.vae.decode

    def decode_with_a_bad_row(*args, **kwargs):
        output = decode(*args, **kwargs)
        output[0][1] = float("nan")
        return output

    pipeline.vae.decode = decode_with_a_bad_row
    requests = [DrawRequest(row, "a snail", "", row) for row in range(3)]
    failures = [image.failure for image in own_generator.draw(requests, settings())]
    assert failures == ["", "not finite", ""]


@pytest.mark.parametrize("flags_everything", [True, False])
def test_the_models_safety_checker_flags_but_blacks_nothing_out(tmp_path, flags_everything):
    folder = tiny_models.build_tiny_sd_with_checker(
        tmp_path / "checked", flags_everything=flags_everything
    )
    image = draw_one(load_generator(GeneratorSpec(str(folder), "checked"), CPU))
    spec = GeneratorSpec(str(folder), "unchecked", safety_checker=False)
    unchecked = draw_one(load_generator(spec, CPU))
    assert image.failure == ""
    assert image.safety_flagged is flags_everything
    assert unchecked.safety_flagged is None
    assert np.array_equal(image.pixels, unchecked.pixels)


@pytest.mark.parametrize(
    "rows", [(0, 0), (-1,), (4,)], ids=["shared row", "negative row", "row past the batch"]
)
def test_rows_must_be_distinct_and_inside(tiny_generator, rows):
    with pytest.raises(ValueError, match="row"):
        tiny_generator("sd").draw([DrawRequest(row, "a", "", 1) for row in rows], settings())


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_seeds_must_be_63_bit(tiny_generator, seed):
    with pytest.raises(ValueError, match="seed"):
        tiny_generator("sd").draw([DrawRequest(0, "a", "", seed)], settings())


def test_a_negative_prompt_that_flux_ignores_is_refused(tiny_generator):
    with pytest.raises(ModelError, match="ignores negative prompts") as error:
        tiny_generator("flux").draw([DrawRequest(0, "a", "ugly", 1)], settings())
    assert "ugly" in one_line(error)


def test_a_negative_prompt_without_guidance_is_refused(tiny_generator):
    with pytest.raises(ModelError, match="no effect at guidance scale 1;"):
        tiny_generator("sd").draw([DrawRequest(0, "a", "ugly", 1)], settings(guidance_scale=1.0))


def test_a_guidance_scale_that_the_model_lacks_is_refused(tmp_path):
    folder = tiny_models.build_tiny_flux(tmp_path / "schnell", guidance_embeds=False)
    generator = load_generator(GeneratorSpec(str(folder), "schnell"), CPU)
    with pytest.raises(ModelError, match="--guidance-scale 0"):
        draw_one(generator, guidance_scale=3.5)
    assert draw_one(generator, guidance_scale=0.0).failure == ""


@pytest.mark.parametrize("family", ["sd", "flux"])
def test_a_size_that_the_model_cannot_draw_is_refused(family, tiny_generator):
    # Stable Diffusion raises; Flux would quietly draw another size.
    with pytest.raises(ModelError, match=r"size|settings") as error:
        draw_one(tiny_generator(family), width=33)
    assert "33 x 32" in one_line(error)


def test_running_out_of_memory_says_what_to_lower(own_generator):
    import torch

    def no_memory(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    own_generator._pipeline.unet.forward = no_memory
    with pytest.raises(ModelError, match="--micro-batch-size") as error:
        draw_one(own_generator)
    assert "32 x 32" in one_line(error)


def test_a_picture_too_large_for_the_machine_says_what_to_lower(tiny_generator):
    with pytest.raises(ModelError, match="--micro-batch-size"):
        draw_one(tiny_generator("sd"), width=2**23, height=2**23)


def test_a_pipeline_that_fits_prompts_to_the_batch_draws_one_by_one(own_generator):
    # Stands for any pipeline that the table of families does not vouch for.
    own_generator._honors._name = "SomeNewPipeline"
    with pytest.raises(ModelError, match="--micro-batch-size 1"):
        draw_one(own_generator)
    (image,) = own_generator.draw([DrawRequest(0, "a snail", "", 1)], settings(1))
    assert image.failure == ""
