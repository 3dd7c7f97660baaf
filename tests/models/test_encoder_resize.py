"""Resizing by matrix products gives Pillow's bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253 - the code under test is torch's
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from isekai_gen.models.encoder_resize import ResizePasses, pillow_weights

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
sides = st.integers(1, 120)


def both_orders(pixels, size, resize_filter):
    """What either order of the passes makes of one picture."""
    rows, columns = (
        torch.from_numpy(pillow_weights(given, wanted, resize_filter, range(wanted)))
        for given, wanted in zip(pixels.shape[:2], size, strict=True)
    )
    batch = torch.from_numpy(pixels)[None]
    return [ResizePasses(columns, rows, first).apply(batch)[0].numpy() for first in (True, False)]


def resized(pixels, size, resize_filter):
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], FILTERS[resize_filter]))


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(sides, sides),
    st.tuples(sides, sides),
    st.sampled_from(sorted(FILTERS)),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
@example((512, 512), (224, 224), "bicubic", False, 0)
@example((512, 768), (288, 288), "bilinear", False, 0)
@example((64, 48), (336, 252), "bicubic", True, 0)
def test_one_order_of_the_passes_gives_the_bits_of_pillow(given, wanted, kind, stark, seed):
    # Black and white alone overshoot both ends, where Pillow clips.
    levels = [0, 255] if stark else range(256)
    pixels = np.random.default_rng(seed).choice(np.array(levels, np.uint8), (*given, 3))
    expected = resized(pixels, wanted, kind)
    assert any(np.array_equal(found, expected) for found in both_orders(pixels, wanted, kind))


@pytest.mark.parametrize("resize_filter", sorted(FILTERS))
def test_a_part_of_the_wanted_pixels_has_the_weights_of_the_whole(resize_filter):
    whole = pillow_weights(61, 40, resize_filter, range(40))
    assert np.array_equal(pillow_weights(61, 40, resize_filter, range(7, 33)), whole[7:33])


def test_weights_are_whole_and_add_up_to_about_one():
    weights = pillow_weights(500, 37, "bicubic", range(37))
    assert np.array_equal(weights, np.trunc(weights))
    # Each of some 54 weights is rounded by half a unit at most.
    assert np.abs(weights.sum(axis=1) - 2**22).max() <= 27
