"""Pixels that are copied beside Pillow are the ones that Pillow would have given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from isekai_gen.hashing import pixel_sha256
from isekai_gen.pixels import rgb_pixels

pictures = arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))


@settings(deadline=None)  # the first call imports pyarrow
@given(pictures, st.sampled_from(["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "YCbCr", "HSV"]))
def test_pixels_are_those_of_the_picture_as_rgb(pixels, mode):
    image = Image.fromarray(pixels).convert(mode)
    expected = np.asarray(image.convert("RGB"))
    found = rgb_pixels(image)
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    assert np.array_equal(found, expected)
    assert pixel_sha256(found) == pixel_sha256(expected)


@pytest.mark.parametrize(("width", "height"), [(2048, 2048), (2048, 2049), (3000, 2000)])
def test_pictures_in_several_pieces_of_memory_have_their_pixels_too(width, height):
    random = np.random.default_rng(3)
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert np.array_equal(rgb_pixels(Image.fromarray(pixels)), pixels)


def test_the_copy_is_the_callers_own():
    image = Image.new("RGB", (8, 6), (1, 2, 3))
    pixels = rgb_pixels(image)
    pixels[:] = 9
    assert image.getpixel((0, 0)) == (1, 2, 3)
    image.close()
    assert pixels[5, 7].tolist() == [9, 9, 9]
