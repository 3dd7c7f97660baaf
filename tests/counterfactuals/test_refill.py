"""Masked pixels come from fillers at the same places; all others stay, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isekai_gen.counterfactuals.masks import patch_numbers
from isekai_gen.counterfactuals.refill import NEUTRAL, covering, paste_masked, refill
from tests.counterfactuals.conftest import plain, whole_grid

GRID = whole_grid(16, 12, 3, 4)
PATCHES = patch_numbers(GRID)


def noise(seed: int, height: int = 12, width: int = 16) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (height, width, 3), dtype=np.uint8)


def left_half() -> np.ndarray:
    masked = np.zeros((12, 16), dtype=bool)
    masked[:, :8] = True
    return masked


def test_without_fillers_the_mask_is_the_same_gray_in_every_picture():
    for seed in (1, 2):
        made = refill(noise(seed), left_half(), [], PATCHES, 0)
        assert (made[:, :8] == NEUTRAL).all()
        assert np.array_equal(made[:, 8:], noise(seed)[:, 8:])


def test_single_fill_takes_the_same_places_of_one_other_image():
    made = refill(noise(1), left_half(), [noise(2)], PATCHES, 0)
    assert np.array_equal(made[:, :8], noise(2)[:, :8])
    assert np.array_equal(made[:, 8:], noise(1)[:, 8:])


def test_multi_fill_gives_each_patch_one_image_and_each_image_its_share():
    fillers = [plain(16, 12, level) for level in (10, 20, 30)]
    made = refill(plain(16, 12, 200), left_half(), fillers, PATCHES, 5)
    levels = [np.unique(made[patch == PATCHES]) for patch in np.unique(PATCHES[:, :8])]
    assert all(len(level) == 1 for level in levels)
    assert sorted(level[0] for level in levels) == [10, 10, 20, 20, 30, 30]
    assert (made[:, 8:] == 200).all()


@settings(deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 4), st.integers(0, 99))
def test_a_refill_keeps_what_is_not_masked_and_repeats_to_the_byte(seed, count, picture):
    masked = np.random.default_rng(picture).random((12, 16)) < 0.4
    fillers = [noise(100 + number) for number in range(count)]
    given_picture = noise(picture)
    made = refill(given_picture, masked, fillers, PATCHES, seed)
    assert np.array_equal(made[~masked], given_picture[~masked])
    assert np.array_equal(given_picture, noise(picture))
    assert made.tobytes() == refill(given_picture, masked, fillers, PATCHES, seed).tobytes()
    if count:
        allowed = np.stack([filler[masked] for filler in fillers])
        assert (made[masked][None] == allowed).all(axis=2).any(axis=0).all()


def test_other_seeds_put_fillers_in_other_places():
    fillers = [noise(number) for number in range(2, 6)]
    made = {refill(noise(1), left_half(), fillers, PATCHES, seed).tobytes() for seed in range(9)}
    assert len(made) > 4


def test_a_filler_of_another_size_covers_the_picture_from_its_middle():
    filler = plain(40, 20, 50)
    filler[:, 10:30] = 90
    assert (covering(filler, width=10, height=10) == 90).sum() > 200
    assert covering(filler, width=16, height=12).shape == (12, 16, 3)
    assert covering(filler, width=40, height=20) is filler


@settings(deadline=None)
@given(*[st.integers(1, 200)] * 4)
@example(1186, 189, 502, 451)
def test_a_filler_of_any_size_covers_a_picture_of_any_size(own_width, own_height, width, height):
    # 451 / (451 / 189) is a hair over 189 in floating point; so it is for 5 % of such sizes.
    found = covering(plain(own_width, own_height, 50), width=width, height=height)
    assert np.array_equal(found, plain(width, height, 50))


def test_what_a_model_drew_is_taken_where_the_mask_is_only():
    made = paste_masked(noise(1), left_half(), noise(2))
    assert np.array_equal(made[:, :8], noise(2)[:, :8])
    assert np.array_equal(made[:, 8:], noise(1)[:, 8:])
    with pytest.raises(ValueError, match="drawn must have shape"):
        paste_masked(noise(1), left_half(), noise(2, height=6))


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match="mask and patches"):
        refill(noise(1), left_half()[:6], [], PATCHES, 0)
