"""Masks lie on the picture where the encoder looked, and controls have their area."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.counterfactuals.masks import (
    PictureGrid,
    context_mask,
    mask_rate,
    object_mask,
    on_picture,
    patch_numbers,
    random_mask,
)
from isekai_gen.models.activation_view import PictureView
from tests.counterfactuals.conftest import whole_grid

SIZES = st.integers(1, 40)
GRIDS = st.integers(1, 7)
SHAPES = st.sampled_from(["grid", "smooth"])


def test_a_patch_of_the_grid_covers_its_share_of_the_picture(corner):
    mask = object_mask(corner, whole_grid(16, 8, 4, 4), shape="grid")
    expected = np.zeros((8, 16), dtype=bool)
    expected[:2, :4] = True
    assert np.array_equal(mask, expected)
    assert mask_rate(mask) == 1 / 16
    assert np.array_equal(context_mask(mask), ~expected)


def test_what_is_cropped_away_is_context_and_the_rest_lies_where_it_was_seen(corner):
    # The encoder saw the 8 x 8 square in the middle of a picture of 16 x 8.
    view = PictureView(4, 0, 12, 8)
    mask = object_mask(corner, PictureGrid(16, 8, 4, 4, view), shape="grid")
    assert mask[:2, 4:6].all()
    assert mask.sum() == 4
    everywhere = np.ones((4, 4), dtype=np.float32)
    seen = object_mask(everywhere, PictureGrid(16, 8, 4, 4, view))
    assert np.array_equal(seen.any(axis=0), np.arange(16) // 4 % 3 != 0)


def test_what_was_padded_is_left_out(corner):
    # The encoder saw a picture of 8 x 4 with bars of 2 above and below.
    grid = PictureGrid(8, 4, 4, 4, PictureView(0, -2, 8, 6))
    assert not object_mask(corner, grid, shape="grid").any()
    below = np.zeros((4, 4), dtype=np.float32)
    below[1, 0] = 1
    assert object_mask(below, grid, shape="grid")[:2, :2].sum() == 4


def test_a_smooth_map_falls_off_between_the_middles_of_patches(corner):
    placed = on_picture(corner, whole_grid(32, 32, 4, 4), "smooth")
    assert placed[0, 0] == 1
    assert np.isclose(placed[0, 8], 1 - 4.5 / 8)
    assert placed[0, 12] == 0
    assert (np.diff(placed[0, :13]) <= 0).all()


@given(SIZES, SIZES, GRIDS, GRIDS, SHAPES, st.integers(0, 9))
@settings(deadline=None)
def test_a_higher_limit_never_adds_to_a_mask(width, height, rows, columns, shape, seed):
    activation = np.random.default_rng(seed).random((rows, columns), dtype=np.float32)
    grid = whole_grid(width, height, rows, columns)
    low, high = (object_mask(activation, grid, limit, shape) for limit in (0.2, 0.6))
    assert not (high & ~low).any()
    assert low.shape == (height, width)


@given(SIZES, SIZES, GRIDS, GRIDS, SHAPES, st.integers(0, 2**63 - 1))
@settings(deadline=None)
def test_a_random_mask_has_exactly_the_area_and_depends_on_its_seed_alone(
    width, height, rows, columns, shape, seed
):
    activation = np.random.default_rng(1).random((rows, columns), dtype=np.float32)
    grid = whole_grid(width, height, rows, columns)
    found = object_mask(activation, grid, 0.5, shape)
    control = random_mask(found, grid, shape, seed)
    assert control.sum() == found.sum()
    assert np.array_equal(control, random_mask(found, grid, shape, seed))


def test_random_masks_lie_anywhere_in_whole_patches(corner):
    grid = whole_grid(32, 32, 4, 4)
    found = object_mask(corner, grid, shape="grid")
    controls = np.array([random_mask(found, grid, "grid", seed) for seed in range(200)])
    share_of_patch = controls.reshape(200, 4, 8, 4, 8).mean(axis=(2, 4))
    assert set(np.unique(share_of_patch)) == {0.0, 1.0}
    assert (controls.mean(axis=0) > 0).all()


@given(SIZES, SIZES, GRIDS, GRIDS)
@settings(deadline=None)
def test_every_pixel_has_a_patch_also_where_the_encoder_did_not_look(width, height, rows, columns):
    view = PictureView(width / 4, -1, width * 3 / 4, height + 1)
    numbers = patch_numbers(PictureGrid(width, height, rows, columns, view))
    assert numbers.shape == (height, width)
    assert numbers.min() >= 0


def test_patches_are_those_of_the_grid():
    numbers = patch_numbers(whole_grid(8, 4, 2, 2))
    assert len(np.unique(numbers)) == 4
    assert (numbers[:2, :4] == numbers[0, 0]).all()
    assert (numbers[2:, 4:] == numbers[3, 7]).all()


def test_what_does_not_fit_is_refused(corner):
    grid = whole_grid(8, 8, 4, 4)
    with pytest.raises(ValueError, match="limit"):
        object_mask(corner, grid, 1.0)
    with pytest.raises(ValueError, match="shape"):
        object_mask(corner[:3], grid)
    with pytest.raises(ValueError, match="empty"):
        whole_grid(8, 8, 0, 4)
