"""The same request gives the same pixels, whatever surrounds it: all families, one contract."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from isekai_gen.models.loading import load_generator
from isekai_gen.models.spec import DrawRequest, GeneratorSpec
from tests.models.conftest import BUILDERS, CPU, settings

FAMILIES = pytest.mark.parametrize("family", sorted(BUILDERS))
TARGET = DrawRequest(2, "a mushroom house at night", "", 2**62 + 5)


def pixels_of(generator, requests, **changes):
    images = {image.row: image for image in generator.draw(requests, settings(**changes))}
    assert [image.failure for image in images.values()] == [""] * len(requests)
    return images[TARGET.row].pixels


@FAMILIES
def test_pixels_do_not_depend_on_neighbors_order_or_padding(family, tiny_generator):
    generator = tiny_generator(family)
    others = [DrawRequest(0, "an octopus", "", 7), DrawRequest(3, "a " * 40 + "snail", "", 8)]
    alone = pixels_of(generator, [TARGET])
    assert np.array_equal(alone, pixels_of(generator, [*others, TARGET]))
    assert np.array_equal(alone, pixels_of(generator, [TARGET, *reversed(others)]))


@FAMILIES
def test_seed_prompt_and_steps_change_the_pixels(family, tiny_generator):
    generator = tiny_generator(family)
    base = pixels_of(generator, [TARGET])
    other_seed = pixels_of(generator, [DrawRequest(2, TARGET.prompt, "", 1)])
    other_prompt = pixels_of(generator, [DrawRequest(2, "a red hedgehog", "", TARGET.seed)])
    other_steps = pixels_of(generator, [TARGET], num_inference_steps=3)
    for other in (other_seed, other_prompt, other_steps):
        assert not np.array_equal(base, other)


@FAMILIES
def test_a_reloaded_model_draws_the_same_pixels(family, tiny_folder, tiny_generator):
    again = load_generator(GeneratorSpec(str(tiny_folder(family)), family), CPU)
    assert np.array_equal(pixels_of(again, [TARGET]), pixels_of(tiny_generator(family), [TARGET]))


@pytest.mark.parametrize("family", ["sd", "sdxl", "sd3"])
def test_a_neighbors_negative_prompt_changes_nothing(family, tiny_generator):
    # SDXL drops an empty negative prompt for the whole batch or not at all.
    generator = tiny_generator(family)
    neighbor = DrawRequest(0, "an octopus", "a blue hill", 7)
    assert np.array_equal(pixels_of(generator, [TARGET]), pixels_of(generator, [neighbor, TARGET]))


@pytest.mark.parametrize("family", ["sd", "sdxl", "sd3"])
def test_a_negative_prompt_changes_its_own_picture(family, tiny_generator):
    generator = tiny_generator(family)
    negated = DrawRequest(TARGET.row, TARGET.prompt, "a blue hill", TARGET.seed)
    assert not np.array_equal(pixels_of(generator, [TARGET]), pixels_of(generator, [negated]))


@given(
    row_seeds=st.lists(st.integers(0, 2**63 - 1), min_size=3, max_size=3),
    present=st.lists(st.booleans(), min_size=3, max_size=3),
    order=st.randoms(use_true_random=False),
)
@hypothesis_settings(max_examples=15, deadline=None)
def test_any_company_in_any_order_gives_the_same_pixels(tiny_generator, row_seeds, present, order):
    company = [
        DrawRequest(row, f"a snail {seed % 5}", "", seed)
        for row, seed, here in zip((0, 1, 3), row_seeds, present, strict=True)
        if here
    ]
    requests = [*company, TARGET]
    order.shuffle(requests)
    generator = tiny_generator("sd")
    assert np.array_equal(pixels_of(generator, requests), pixels_of(generator, [TARGET]))


def test_results_come_in_the_order_of_the_requests(tiny_generator):
    requests = [DrawRequest(row, "a snail", "a hill" if row % 2 else "", row) for row in (3, 0, 1)]
    images = tiny_generator("sdxl").draw(requests, settings())
    assert [image.row for image in images] == [3, 0, 1]


def test_pictures_have_the_size_asked_for(tiny_generator):
    (image,) = tiny_generator("sd").draw([TARGET], settings(width=64, height=32))
    assert image.pixels.shape == (32, 64, 3)
    assert image.pixels.dtype == np.uint8
    assert image.safety_flagged is None


def test_no_requests_give_no_pictures(tiny_generator):
    assert tiny_generator("sd").draw([], settings()) == []


def test_a_micro_batch_of_one_uses_the_requests_own_seed(tiny_generator):
    generator = tiny_generator("sd")
    first, second = (
        generator.draw([DrawRequest(0, "a snail", "", seed)], settings(1))[0] for seed in (1, 2)
    )
    assert not np.array_equal(first.pixels, second.pixels)
