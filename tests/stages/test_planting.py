"""Planted copies: known duplicates that follow from a seed."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from isekai_gen.stages.planting import (
    TRANSFORMATIONS,
    add_noise,
    crop,
    plant_copies,
    plant_copy,
    shrink,
    turn,
)


def picture(width=96, height=64):
    """A picture with edges, colors and no symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, (x * y) % 256], axis=-1)
    pixels[height // 4 : height // 2, width // 8 : width // 3] = (230, 40, 40)
    return Image.fromarray(pixels.astype(np.uint8))


def pixels_of(image):
    return np.asarray(image, dtype=np.int16)


@pytest.mark.parametrize("kind", TRANSFORMATIONS)
def test_a_copy_follows_from_its_seed(kind):
    first, second = (plant_copy(picture(), kind, "7/abc") for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert first.mode == "RGB"


@pytest.mark.parametrize("kind", ["crop_5_to_10", "turn_2_to_5", "text", "watermark", "noise"])
def test_another_seed_plants_another_copy(kind):
    copies = {plant_copy(picture(), kind, str(seed)).tobytes() for seed in range(6)}
    assert len(copies) > 1


@pytest.mark.parametrize("kind", [kind for kind in TRANSFORMATIONS if kind != "exact"])
def test_every_kind_but_the_exact_one_changes_the_picture(kind):
    copy = plant_copy(picture(), kind, "1")
    assert copy.size != picture().size or copy.tobytes() != picture().tobytes()


def test_an_exact_copy_has_the_same_pixels():
    assert plant_copy(picture(), "exact", "1").tobytes() == picture().tobytes()


def test_a_flip_exchanges_left_and_right():
    assert plant_copy(picture(), "flip", "1").tobytes() == ImageOps.mirror(picture()).tobytes()


def test_the_original_stays_as_it_is():
    original = picture()
    before = original.tobytes()
    assert len(list(plant_copies(original, "1"))) == len(TRANSFORMATIONS)
    assert original.tobytes() == before


@given(seed=st.integers(0, 2**32), size=st.tuples(st.integers(20, 200), st.integers(20, 200)))
@settings(max_examples=50, deadline=None)
def test_a_crop_takes_the_share_it_says(seed, size):
    cropped = crop(picture(*size), random.Random(seed), least=0.05, most=0.10)
    for before, after in zip(size, cropped.size, strict=True):
        assert 0.90 * before - 1 <= after <= 0.95 * before + 1


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_a_turned_picture_keeps_its_size_and_its_middle(seed):
    turned = turn(picture(), random.Random(seed), least=1.0, most=5.0)
    assert turned.size == picture().size
    middle = (slice(28, 36), slice(44, 52))
    # The blue channel wraps around; red and green change by about 3 a pixel.
    change = np.abs(pixels_of(turned)[middle] - pixels_of(picture())[middle])[..., :2]
    assert change.max() < 30


def test_a_shrunk_copy_is_smaller_by_its_factor():
    assert shrink(picture(96, 64), random.Random(0), factor=0.75).size == (72, 48)


def test_noise_has_the_spread_it_says():
    gray = Image.new("RGB", (200, 200), (128, 128, 128))
    noisy = pixels_of(add_noise(gray, random.Random(3), spread=4.0)) - 128
    assert 3.8 < noisy.std() < 4.2
    assert abs(noisy.mean()) < 0.1


def test_a_picture_of_one_pixel_can_be_copied():
    dot = Image.new("RGB", (1, 1), (9, 8, 7))
    assert all(copy.size == (1, 1) for copy in plant_copies(dot, "1"))


def test_a_picture_that_is_not_rgb_is_refused():
    with pytest.raises(ValueError, match="RGB, got P"):
        plant_copy(picture().convert("P"), "flip", "1")
