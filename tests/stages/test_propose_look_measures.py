"""Can the images of two concepts be told apart? With numbers that are known beforehand."""

import numpy as np
import pytest

from isekai_gen.embeddings import normalized
from isekai_gen.stages.propose_look_measures import SeenConcept, likeness, nearest_others


def seen(slug, direction, images=4, spread=0.3, seed=0):
    """Images around a direction in 16 dimensions."""
    rng = np.random.default_rng(seed)
    around = np.zeros(16)
    around[direction] = 1.0
    vectors = normalized(around + spread * rng.standard_normal((images, 16)))
    return SeenConcept(slug, tuple(f"{slug}-{n}" for n in range(images)), vectors)


def test_concepts_that_look_different_are_told_apart():
    found = likeness(seen("a", 0), seen("b", 1, seed=1))
    assert found.other == "b"
    assert found.told_apart
    # The actual division and its mirror, of the 70 that there are.
    assert found.chance == pytest.approx(2 / 70)
    assert found.within > found.across


@pytest.mark.parametrize("images", [4, 6, 20])
def test_one_concept_under_two_names_is_seldom_told_apart(images):
    apart = [
        likeness(seen("a", 0, images, seed=2 * n), seen("b", 0, images, seed=2 * n + 1)).told_apart
        for n in range(60)
    ]
    # By chance one in twenty may be; six standard deviations above that is 13.
    assert sum(apart) <= 13


def test_with_many_images_a_sample_of_divisions_tells_the_same_every_time():
    a, b = seen("a", 0, images=20), seen("b", 1, images=20, seed=1)
    assert likeness(a, b) == likeness(a, b)
    assert likeness(a, b).chance == pytest.approx(1 / 2000)


def test_the_order_of_images_is_no_matter():
    a, b = seen("a", 0, spread=1.0), seen("b", 1, spread=1.0, seed=1)
    turned = SeenConcept("a", a.image_ids[::-1], a.vectors[::-1])
    assert likeness(turned, b).chance == pytest.approx(likeness(a, b).chance)
    assert likeness(b, a).chance == pytest.approx(likeness(a, b).chance)


def test_images_that_are_all_the_same_are_not_told_apart():
    a = seen("a", 0, spread=0.0)
    assert likeness(a, seen("b", 0, spread=0.0)).chance == 1.0


def test_compared_are_the_nearest_first():
    others = {f"d{n}": seen(f"d{n}", n % 8, seed=n) for n in range(1, 16)}
    found = nearest_others(seen("a", 3), others, list(others))
    assert len(found) == 5
    assert {each.slug for each in found[:2]} == {"d3", "d11"}
    assert nearest_others(seen("a", 3), others, []) == []
