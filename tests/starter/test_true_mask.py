"""The renderer's own mask: where the thing is, and nothing of the scene."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.starter.render.materials import MATERIALS
from isekai_gen.starter.render.scenes import SCENES
from isekai_gen.starter.render.sketch import render, sample_sketch
from isekai_gen.starter.render.true_mask import true_mask


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32))
def test_the_mask_is_a_part_of_the_picture_and_leaves_the_random_numbers_as_a_render_does(seed):
    sketch = sample_sketch(random.Random(seed))
    drawing, masking = random.Random(seed), random.Random(seed)
    render(sketch, drawing)
    mask = true_mask(sketch, masking)
    assert mask.shape == (128, 128)
    assert 0.02 < mask.mean() < 0.7
    assert drawing.getstate() == masking.getstate()


@pytest.mark.parametrize("scene", SCENES)
def test_outside_the_mask_is_the_scene_and_inside_is_not(scene):
    sketch = replace(sample_sketch(random.Random(3), body="cat"), scene=scene)
    picture = render(sketch, random.Random(7)).astype(int)
    mask = true_mask(sketch, random.Random(7))
    # Another body before the same scene: what neither covers is equal.
    other = replace(sketch, body="teapot")
    covered = mask | true_mask(other, random.Random(7))
    grown = np.zeros_like(covered)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            grown |= np.roll(covered, (down, across), axis=(0, 1))
    difference = np.abs(picture - render(other, random.Random(7))).sum(axis=2)
    assert not difference[~grown].any()
    assert (difference[mask] > 0).mean() > 0.5


@pytest.mark.parametrize("material", MATERIALS)
def test_a_mask_does_not_depend_on_what_the_thing_is_made_of(material):
    sketch = replace(sample_sketch(random.Random(3), body="house"), material="plain", scene="sea")
    plain = true_mask(sketch, random.Random(7))
    made = true_mask(replace(sketch, material=material), random.Random(7))
    assert (plain ^ made).mean() < 0.01
