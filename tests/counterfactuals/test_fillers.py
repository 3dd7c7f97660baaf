"""Fillers: distinct, from where they were asked for, never the image itself, in no one's order."""

from __future__ import annotations

import random
from collections import Counter
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.counterfactuals.fillers import (
    FillerPool,
    FillerSource,
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
        for source in get_args(FillerSource)
    }
    assert chosen["same"] == {"cactihog"}
    assert chosen["counterpart"] == {"hedgehog"}
    assert chosen["other"] == {"octovac", "octopus"}


@settings(deadline=None)
@given(st.integers(0, 99), st.sampled_from(get_args(FillerSource)), st.integers(1, 5), st.randoms())
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


def test_whoever_may_fill_does_so_about_as_often_as_anyone_else():
    often = Counter(
        filler
        for seed in range(1500)
        for filler in choose_fillers(POOL, IMAGES["hedgehog"][2], "hedgehog", "other", 2, seed)
    )
    assert set(often) == {*IMAGES["octovac"], *IMAGES["octopus"]}
    assert min(often.values()) > 0.75 * 250  # five standard deviations below 250
    assert max(often.values()) < 1.25 * 250


def test_all_can_be_chosen_and_every_one_is_once():
    image = IMAGES["octopus"][5]
    everyone = choose_fillers(POOL, image, "octopus", "same", 5, 3)
    assert sorted(everyone) == sorted(IMAGES["octopus"][:5])


def test_an_image_that_is_not_in_the_pool_itself_leaves_nobody_out():
    chosen = choose_fillers(POOL, "f" * 20, "octopus", "same", 6, 3)
    assert sorted(chosen) == sorted(IMAGES["octopus"])


def test_a_choice_does_not_look_at_everyone():
    class Counted(str):
        __slots__ = ()
        compared = 0

        def __lt__(self, other):
            Counted.compared += 1
            return str.__lt__(self, other)

    many = {slug: [Counted(f"{n}{at:019x}") for at in range(2000)] for n, slug in
            enumerate(CONCEPTS)}  # fmt: skip
    pool = FillerPool(many, PAIRS)
    choose_fillers(pool, many["octopus"][0], "octopus", "same", 16, 0)  # orders them, once
    Counted.compared = 0
    for image in many["octopus"][:100]:
        choose_fillers(pool, image, "octopus", "same", 16, 0)
    assert 0 < Counted.compared < 100 * 20


@pytest.mark.parametrize("slug", CONCEPTS)
@pytest.mark.parametrize("pairs", [PAIRS, {}], ids=["paired", "unpaired"])
def test_others_are_everyone_but_the_concept_and_its_counterpart(slug, pairs):
    left_out = {slug, pairs.get(slug)}
    others = sorted(image for each in CONCEPTS if each not in left_out for image in IMAGES[each])
    pool = FillerPool({**IMAGES, "empty": []}, pairs)
    assert sorted(choose_fillers(pool, "a", slug, "other", len(others), 1)) == others
    with pytest.raises(InputError, match=f"there are {len(others)} kept"):
        choose_fillers(pool, "a", slug, "other", len(others) + 1, 1)
