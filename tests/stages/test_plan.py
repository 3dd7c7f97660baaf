"""Plans: every image's recipe is its own business."""

import dataclasses
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.hashing import canonical_json, digest_of
from isekai_gen.prompts.catalog import Catalog, load_catalog
from isekai_gen.prompts.templates import load_templates
from isekai_gen.stages.plan import Planner, PlanRequest, PlanSlice, row_of, seed_of, slices_of
from tests.stages.plan_requests import DRAW, IDENTITY, make_catalog, make_recipe


@pytest.fixture
def request_(job):
    catalog = load_catalog(job.catalog)
    return PlanRequest(
        catalog=catalog,
        templates=load_templates(job.templates),
        recipe=make_recipe(),
        counts=dict.fromkeys([concept.slug for concept in catalog.concepts], 6),
        seed=0,
    )


def plan_images(request_):
    """Every image of the request, concept after concept in the order of the catalog."""
    planner = Planner(request_)
    for concept in request_.catalog.concepts:
        yield from planner.images(PlanSlice(concept, range(request_.counts[concept.slug])))


def ids(request_):
    return {image.image_id for image in plan_images(request_)}


def test_plans_concept_after_concept_in_the_order_of_the_catalog(request_):
    planned = list(plan_images(request_))
    assert [image.concept for image in planned[::6]] == [
        "cactihog",
        "hedgehog",
        "mushroom-haven",
        "house",
    ]
    assert [image.index for image in planned[:6]] == [0, 1, 2, 3, 4, 5]
    cactihog = request_.catalog.concepts[0]
    assert [image.row for image in planned[:6]] == [row_of(cactihog, k, 4) for k in range(6)]
    assert len({image.image_id for image in planned}) == 24
    assert all(len(image.image_id) == 20 and 0 <= image.seed < 2**63 for image in planned)


def test_the_order_of_the_catalog_changes_no_image(request_):
    backwards = Catalog("other name", request_.catalog.groups[::-1])
    turned = dataclasses.replace(request_, catalog=backwards)
    as_set = {image.image_id: image for image in plan_images(request_)}
    assert {image.image_id: image for image in plan_images(turned)} == as_set


def test_another_concept_or_more_images_change_no_image(request_):
    fewer = Catalog("small", request_.catalog.groups[:1])
    assert ids(dataclasses.replace(request_, catalog=fewer)) < ids(request_)
    more = {**request_.counts, "house": 9}
    assert ids(request_) < ids(dataclasses.replace(request_, counts=more))


@pytest.mark.parametrize(
    "change",
    [
        {"draw": dataclasses.replace(DRAW, num_inference_steps=3)},
        {"draw": dataclasses.replace(DRAW, guidance_scale=3.5)},
        {"draw": dataclasses.replace(DRAW, width=72)},
        {"draw": dataclasses.replace(DRAW, micro_batch_size=8)},
        {"identity": dataclasses.replace(IDENTITY, digest="e" * 64)},
        {"identity": dataclasses.replace(IDENTITY, scheduler_config_digest="e" * 64)},
        {"dtype": "bfloat16"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_pixels_changes_every_id(request_, change):
    other = dataclasses.replace(request_, recipe=make_recipe(**change))
    assert not ids(request_) & ids(other)


def test_what_the_model_is_called_changes_no_id(request_):
    renamed = dataclasses.replace(IDENTITY, label="elsewhere", revision="abc")
    assert ids(dataclasses.replace(request_, recipe=make_recipe(identity=renamed))) == ids(request_)


def test_a_run_seed_gives_other_images(request_):
    assert not ids(request_) & ids(dataclasses.replace(request_, seed=1))


def test_negative_prompts_are_left_out_where_they_have_no_effect(request_):
    assert any(image.negative_prompt for image in plan_images(request_))
    without_guidance = make_recipe(dataclasses.replace(DRAW, guidance_scale=0.0))
    for image in plan_images(dataclasses.replace(request_, recipe=without_guidance)):
        assert image.negative_prompt == ""


def test_seeds_are_what_they_always_were():
    # A changed number here means that every dataset in the world gets other images.
    assert seed_of(0, "cactihog", 0, "a small hedgehog") == 7874790675192180853


@given(st.integers(1, 16), st.integers(0, 100))
def test_rows_of_one_concept_take_turns(micro_batch_size, first):
    (concept, _) = make_catalog("cactihog").concepts
    rows = [row_of(concept, first + number, micro_batch_size) for number in range(16)]
    assert len(set(rows[:micro_batch_size])) == micro_batch_size
    assert all(0 <= row < micro_batch_size for row in rows)


def test_an_id_is_a_digest_of_the_whole_recipe(request_):
    shared = request_.recipe.canonical()
    for image in plan_images(request_):
        own = {
            "concept": image.concept,
            "prompt": image.prompt,
            "negative_prompt": image.negative_prompt,
            "seed": image.seed,
            "row": image.row,
        }
        assert image.image_id == digest_of({**shared, **own})[:20]


@given(st.integers(0, 2**63 - 1), st.text(st.characters(codec="utf-8")), st.integers(0, 9))
def test_seeds_hash_canonical_json(run_seed, prompt, index):
    content = canonical_json([run_seed, "a-slug", index, prompt]).encode()
    expected = int.from_bytes(hashlib.sha256(content).digest()[:8]) >> 1
    assert seed_of(run_seed, "a-slug", index, prompt) == expected


@given(st.lists(st.integers(0, 30), min_size=4, max_size=4), st.integers(1, 17))
def test_a_request_is_cut_into_pieces_without_loss(counts, size):
    catalog = make_catalog("ant", "bat")
    slugs = [concept.slug for concept in catalog.concepts]
    request = PlanRequest(catalog, None, make_recipe(), dict(zip(slugs, counts, strict=True)), 0)
    pieces = list(slices_of(request, size))
    images = [
        (each.concept.slug, index) for piece in pieces for each in piece for index in each.indices
    ]
    assert images == [(slug, k) for slug in slugs for k in range(request.counts[slug])]
    assert all(sum(len(each.indices) for each in piece) == size for piece in pieces[:-1])
