"""Alignment finds the small change between two pictures, for each pair by itself."""

import numpy as np
import pytest
from PIL import Image

from isekai_gen.models.perceptual import hash_picture
from isekai_gen.neighbors.thumbnail_alignment import UNCHANGED, Fit, aligned, sampled
from isekai_gen.neighbors.thumbnail_match import colors_agree, layouts, same_picture
from tests.scenes import CHANGES, changed, scene


def thumbnails(pictures):
    return np.stack([hash_picture(picture).thumbnail for picture in pictures]).astype(np.float32)


def tints(pictures):
    return np.stack([hash_picture(picture).tint for picture in pictures]).astype(np.float32)


@pytest.fixture(scope="module")
def pairs():
    """27 scenes, and each changed in one way."""
    scenes = [scene(number) for number in range(27)]
    kinds = list(CHANGES)
    copies = [changed(picture, kinds[n % 9], n) for n, picture in enumerate(scenes)]
    # A flip is not aligned away: these two are compared as they are turned.
    copies = [scenes[n] if kinds[n % 9] == "flip" else copies[n] for n in range(27)]
    return thumbnails(scenes), thumbnails(copies)


def test_a_crop_is_found_where_it_was_cut():
    picture = scene(3).resize((400, 400))
    cropped = picture.crop((20, 0, 380, 360))
    same, change = same_picture(thumbnails([picture]), thumbnails([cropped]))
    assert same.all()
    # 400 pixels became 360: 10/9 as far from the middle, which moved up by 20 of 180 pixels.
    assert change[0, 0, 0] == pytest.approx(10 / 9, abs=0.01)
    assert change[0, 1, 1] == pytest.approx(10 / 9, abs=0.01)
    assert change[0, 0, 2] == pytest.approx(0.0, abs=0.01)
    assert change[0, 1, 2] == pytest.approx(1 / 9, abs=0.01)


def test_a_turn_is_found_by_its_angle():
    picture = scene(5)
    turned = picture.rotate(3, Image.Resampling.BICUBIC)
    same, change = same_picture(thumbnails([picture]), thumbnails([turned]))
    assert same.all()
    angle = np.degrees(np.arctan2(change[0, 0, 1], change[0, 0, 0]))
    assert angle == pytest.approx(3, abs=0.5)


def test_a_picture_is_never_made_to_fit_by_a_great_change():
    picture = scene(6).resize((400, 400))
    part = picture.crop((0, 0, 280, 280))
    assert not same_picture(thumbnails([picture]), thumbnails([part]))[0].any()


def test_company_changes_not_a_bit(pairs):
    left, right = pairs
    same, change = same_picture(left, right)
    assert same.mean() > 0.8
    shuffled = np.random.default_rng(0).permutation(len(left))
    again, changes = same_picture(left[shuffled], right[shuffled])
    assert (again == same[shuffled]).all()
    assert (changes == change[shuffled]).all()
    for row in range(len(left)):
        alone, own = same_picture(left[row : row + 1], right[row : row + 1])
        assert alone[0] == same[row]
        assert (own[0] == change[row]).all()


def test_no_pairs_are_no_fault():
    none = np.zeros((0, 32, 32), dtype=np.float32)
    same, change = same_picture(none, none)
    assert same.shape == (0,)
    assert change.shape == (0, 2, 3)


def test_flat_pictures_stay_where_they_are():
    flat = np.full((2, 32, 32), 90, dtype=np.float32)
    fit = aligned(flat, flat + 5, np.tile(UNCHANGED, (2, 1, 1)), 3)
    assert np.isfinite(fit.change).all()
    assert fit.change == pytest.approx(np.tile(UNCHANGED, (2, 1, 1)), abs=1e-3)


def test_pictures_that_are_blank_within_their_frames_are_no_fault():
    frames = np.full((40, 32, 32), 3, dtype=np.float32)
    frames[:, 3:-3, 3:-3] = np.linspace(0, 255, 40, dtype=np.float32)[:, None, None]
    same, change = same_picture(frames, frames[::-1])
    assert not same.any()
    assert np.isfinite(change).all()


def test_places_outside_a_picture_are_not_seen():
    picture = np.arange(1024, dtype=np.float32).reshape(1, 32, 32)
    shifted = UNCHANGED.copy()
    shifted[0, 2] = 1.0
    _, seen = sampled(picture, shifted[None])
    rows = seen.reshape(26, 26)
    assert rows[:, :13].all()
    assert not rows[:, 13:].any()


def test_a_bent_tone_curve_fits_better_than_a_straight_one():
    levels = np.linspace(0, 255, 200, dtype=np.float32)[None]
    clipped = np.minimum(levels * 1.5, 255)
    everything = np.ones_like(levels, dtype=bool)
    fit = Fit(levels, clipped, everything, UNCHANGED[None])
    assert fit.correlation(everything)[0] < 0.97
    assert 0.97 < fit.toned_correlation(everything)[0] <= 1.0
    upside_down = Fit(levels, -levels, everything, UNCHANGED[None])
    assert upside_down.toned_correlation(everything)[0] == pytest.approx(-1)


def test_layouts_are_centered_and_of_unit_length(pairs):
    rows = layouts(pairs[0].astype(np.uint8))
    assert rows.sum(axis=1) == pytest.approx(np.zeros(27), abs=1e-4)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(27), abs=1e-4)
    assert (layouts(np.full((1, 32, 32), 7, dtype=np.uint8)) == 0).all()


def test_stronger_colors_agree_and_other_colors_do_not():
    picture = scene(8)
    luma, blue, red = picture.convert("YCbCr").split()
    strong = Image.merge(
        "YCbCr", [luma, *(c.point(lambda v: 128 + (v - 128) * 7 // 10) for c in (blue, red))]
    )
    swapped = Image.merge("YCbCr", [luma, red, blue])
    gray = picture.convert("L")
    left = tints([picture] * 3)
    right = tints([strong.convert("RGB"), swapped.convert("RGB"), gray])
    agree = colors_agree(left, right, np.tile(UNCHANGED, (3, 1, 1)))
    assert agree.tolist() == [True, False, True]
