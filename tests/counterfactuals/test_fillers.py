"""Fillers: distinct, from where they were asked for, never the image itself, in no one's order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.counterfactuals.fillers import (
    FILLER_SOURCES,
    FillerPool,
    choose_fillers,
    fill_seed,
)
from isekai_gen.errors import InputError

CONCEPTS = ["cactihog", "hedgehog", "octovac", "octopus"]
IMAGES = {slug: [f"{place:02}{number:018x}" for number in range(6)] for place, slug in
          enumerate(CONCEPTS)}  # fmt: skip
PAIRS = {"cactihog": "hedgehog", "hedgehog": "cactihog", "octovac": "octopus"}
POOL = FillerPool(IMAGES, PAIRS)


def concepts_of(ids):
    return {slug for slug, images in IMAGES.items() if set(images) & set(ids)}


def test_each_source_has_its_concepts():
    image = IMAGES["cactihog"][0]
    chosen = {
        source: concepts_of(choose_fillers(POOL, image, "cactihog", source, 5, 0))
        for source in FILLER_SOURCES
    }
    assert chosen["same"] == {"cactihog"}
    assert chosen["counterpart"] == {"hedgehog"}
    assert chosen["other"] == {"octovac", "octopus"}


@settings(deadline=None)
@given(st.integers(0, 99), st.sampled_from(FILLER_SOURCES), st.integers(1, 5), st.randoms())
def test_a_choice_depends_on_seed_image_and_pool_never_on_order(seed, source, count, shuffler):
    image = IMAGES["cactihog"][3]
    chosen = choose_fillers(POOL, image, "cactihog", source, count, seed)
    assert len(set(chosen)) == count
    assert image not in chosen
    slugs = list(IMAGES)
    shuffler.shuffle(slugs)
    mixed = {slug: random.Random(seed).sample(IMAGES[slug], 6) for slug in slugs}
    assert (
        choose_fillers(FillerPool(mixed, PAIRS), image, "cactihog", source, count, seed) == chosen
    )


def test_more_fillers_begin_with_the_fewer():
    image = IMAGES["octopus"][0]
    few = choose_fillers(POOL, image, "octopus", "other", 2, 7)
    assert choose_fillers(POOL, image, "octopus", "other", 6, 7)[:2] == few


def test_images_of_a_concept_do_not_all_get_the_same_filler():
    chosen = {
        choose_fillers(POOL, image, "cactihog", "other", 1, 0) for image in IMAGES["cactihog"]
    }
    assert len(chosen) > 1


def test_seeds_of_refills_differ_by_image_and_fit_a_generator():
    seeds = {fill_seed(0, image) for image in IMAGES["cactihog"]}
    assert len(seeds) == 6
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert fill_seed(0, "a") != fill_seed(1, "a")


def test_too_few_images_are_an_error_that_counts_them():
    with pytest.raises(InputError, match="needs 6 fillers of source 'same', and there are 5"):
        choose_fillers(POOL, IMAGES["cactihog"][0], "cactihog", "same", 6, 0)


def test_a_concept_without_a_counterpart_is_an_error():
    with pytest.raises(InputError, match="octopus: has no counterpart"):
        choose_fillers(POOL, IMAGES["octopus"][0], "octopus", "counterpart", 1, 0)
