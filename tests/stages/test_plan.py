"""Plans: every image's recipe is its own business."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.models.spec import DrawSettings, GeneratorIdentity, GeneratorSpec
from isekai_gen.prompts.catalog import Catalog, load_catalog
from isekai_gen.prompts.templates import load_templates
from isekai_gen.records import PlannedImage
from isekai_gen.stages.packing import pack_micro_batches
from isekai_gen.stages.plan import PlanRequest, plan_images, row_of, seed_of
from isekai_gen.stages.recipe import Recipe

IDENTITY = GeneratorIdentity(
    label="tiny",
    revision="",
    digest="d" * 64,
    pipeline="StableDiffusionPipeline",
    scheduler="DDIMScheduler",
    scheduler_config_digest="c" * 64,
    default_size=(64, 64),
    default_steps=2,
    default_guidance=3.0,
    accepts_negative_prompt=True,
    size_multiple=8,
)
DRAW = DrawSettings(64, 64, 2, 3.0, 4)


def make_recipe(draw=DRAW, identity=IDENTITY, dtype="float32"):
    return Recipe(GeneratorSpec("tiny", "tiny"), identity, draw, dtype)


@pytest.fixture
def request_(job):
    return PlanRequest(
        catalog=load_catalog(job.catalog),
        templates=load_templates(job.templates),
        recipe=make_recipe(),
        images_per_concept=6,
        seed=0,
    )


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
    assert [image.row for image in planned[:6]] == [row_of("cactihog", k, 4) for k in range(6)]
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
    assert ids(request_) < ids(dataclasses.replace(request_, images_per_concept=9))


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


def make_image(number, row):
    return PlannedImage(f"{number:020x}", "c", number, "t", {}, "p", "", 1, row)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 7), max_size=80))
def test_packing_puts_distinct_rows_together_and_loses_nothing(rows):
    images = [make_image(number, row) for number, row in enumerate(rows)]
    batches = pack_micro_batches(images)
    for batch in batches:
        assert len({image.row for image in batch}) == len(batch)
    packed = [image for batch in batches for image in batch]
    assert sorted(packed, key=lambda image: image.index) == images
    # No row could fit into fewer batches than the times it comes.
    assert len(batches) == max((rows.count(row) for row in rows), default=0)


def test_few_images_of_many_concepts_still_fill_their_micro_batches():
    rows = [row_of(f"concept-{number}", 0, 4) for number in range(200)]
    assert max(rows.count(row) for row in range(4)) < 80


@given(st.integers(1, 16), st.integers(0, 100))
def test_rows_of_one_concept_take_turns(micro_batch_size, first):
    rows = [row_of("cactihog", first + number, micro_batch_size) for number in range(16)]
    assert len(set(rows[:micro_batch_size])) == micro_batch_size
    assert all(0 <= row < micro_batch_size for row in rows)
