"""A plan grows whatever happens to the words; it is stale only if its own ground moved."""

from __future__ import annotations

import copy
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import StaleShardError
from isekai_gen.stages.plan import id_formula, own_recipe_of, row_of, seed_of
from isekai_gen.stages.planning import plan_run
from isekai_gen.stages.words import read_words
from tests.small_jobs import GROUPS, catalog_text, digests, make_context, read_plan, write_job
from tests.stages.plan_requests import DRAW, IDENTITY, make_recipe

MORE_GROUPS = [
    *GROUPS,
    ("lamp fish", "fish with a lamp", "fish", "lamp"),
    ("book bird", "bird with paper wings", "bird", "book"),
]


class Dataset:
    """Words that may be edited, and the plan that is made from them."""

    def __init__(self, folder: Path) -> None:
        self.job = write_job(folder)
        self.root = folder / "ws"
        self.templates = yaml.safe_load(self.job.templates.read_text())
        self.groups = list(GROUPS)
        self.count = 2

    def plan(self, recipe=None, force=False, **generate):
        """Plan with the words as they are; returns the notes."""
        self.job.templates.write_text(yaml.safe_dump(self.templates))
        self.job.catalog.write_text(catalog_text(self.groups))
        chosen = {"images_per_concept": self.count, "allow_truncation": True, **generate}
        context = make_context(self.root, "tiny", force, **chosen)
        words = read_words(
            context.workspace, context.settings.generate, self.job.catalog, self.job.templates
        )
        plan_run(context, recipe or make_recipe(), words, {})
        self.concepts = {concept.slug: concept for concept in words.catalog.concepts}
        self.workspace = context.workspace
        return context.reporter.notes

    @property
    def images(self):
        return read_plan(self.workspace)

    def grow(self, step: str, amount: int) -> None:
        """One of the ways in which a dataset grows."""
        if step == "more images":
            self.count += amount
        elif step == "a template":
            name = f"new-{len(self.templates['templates'])}"
            text = f"{name}: {{a}} {{short}} {{place}}"
            self.templates["templates"].append({"id": name, "text": text})
        elif step == "a value":
            values = self.templates["lists"]["place"]
            values.insert(amount % len(values), f"at place {len(values)}")
        elif len(self.groups) < len(MORE_GROUPS):
            self.groups.insert(amount % 2, MORE_GROUPS[len(self.groups)])


@pytest.fixture
def dataset(tmp_path):
    made = Dataset(tmp_path)
    made.plan()
    return made


STEPS = st.tuples(
    st.sampled_from(["more images", "a template", "a value", "a concept"]), st.integers(1, 5)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=5))
def test_no_growth_changes_what_was_planned(steps):
    with tempfile.TemporaryDirectory() as folder:
        dataset = Dataset(Path(folder))
        dataset.plan()
        for step, amount in steps:
            before, ids = digests(dataset.root), {image.image_id for image in dataset.images}
            dataset.grow(step, amount)
            dataset.plan()
            assert before.items() <= digests(dataset.root).items()
            assert ids <= {image.image_id for image in dataset.images}
        planned = Counter((image.concept, image.index) for image in dataset.images)
        assert planned == Counter(
            (slug, index) for slug in dataset.concepts for index in range(dataset.count)
        )
        id_of = id_formula(make_recipe())
        for image in dataset.images:
            assert image.image_id == id_of(own_recipe_of(image))
            assert image.seed == seed_of(0, image.concept, image.index, image.prompt)
            assert image.row == row_of(dataset.concepts[image.concept], image.index, 4)


def test_new_images_follow_the_new_words_and_that_is_said(dataset):
    old = dataset.images
    dataset.templates["templates"] = [{"id": "other", "text": "{a} {short}, painted"}]
    dataset.count = 5
    notes = dataset.plan()
    assert (
        "The words changed: the 8 images planned before stay as they are; 12 new ones follow the "
        "new words (--force-stage plans all anew)"
    ) in notes
    assert dataset.images[: len(old)] == old
    assert {image.template for image in dataset.images[len(old) :]} == {"other"}
    assert not any("grew" in note for note in notes)


def test_other_sampling_counts_as_other_words(dataset):
    old = dataset.images
    dataset.count = 3
    notes = dataset.plan(sampling="exhaustive")
    assert any("The words changed: the 8 images" in note for note in notes)
    assert dataset.images[: len(old)] == old


def test_words_that_leave_the_planned_prompts_alone_are_not_called_changed(dataset):
    dataset.grow("a concept", 1)
    notes = dataset.plan()
    assert any("grew by 4 images; the 8 planned before" in note for note in notes)
    assert not any("words changed" in note for note in notes)


def test_force_plans_all_anew_from_the_new_words(dataset):
    dataset.templates["templates"] = [{"id": "other", "text": "{a} {short}, painted"}]
    notes = dataset.plan(force=True)
    assert {image.template for image in dataset.images} == {"other"}
    assert any("8 of its images are no longer planned, 0 still are" in note for note in notes)
    assert (dataset.root / "archive/0001/plan/part-00000.jsonl").exists()


@pytest.mark.parametrize(
    "recipe",
    [
        make_recipe(replace(DRAW, num_inference_steps=3)),
        make_recipe(replace(DRAW, micro_batch_size=8)),
        make_recipe(identity=replace(IDENTITY, digest="e" * 64)),
    ],
    ids=["steps", "micro-batch", "model"],
)
def test_another_recipe_is_refused_also_under_new_words(dataset, recipe):
    before = digests(dataset.root)
    dataset.grow("a template", 1)
    with pytest.raises(StaleShardError, match=r"8 of the 8 images .* \(another recipe: 8\)"):
        dataset.plan(recipe)
    assert digests(dataset.root) == before


def test_a_stale_plan_names_both_fingerprints_and_the_remedies(dataset):
    with pytest.raises(StaleShardError, match=r"\(another --seed: 8\)") as caught:
        dataset.plan(seed=1)
    message = str(caught.value)
    assert "--force-stage" in message
    assert "--workspace" in message
    prints = [word.strip(",;") for word in message.split() if len(word.strip(",;")) == 12]
    assert len({word for word in prints if set(word) <= set("0123456789abcdef")}) == 2


def test_a_concept_with_images_may_not_leave_the_catalog(dataset):
    dataset.groups = dataset.groups[:1]
    with pytest.raises(StaleShardError, match="4 of the 8 images") as caught:
        dataset.plan()
    assert "no concept 'mushroom-haven' now: 2; the catalog has no concept 'house'" in str(
        caught.value
    )


def test_a_concept_with_images_may_not_change_its_kind(dataset):
    (name, short, real, other), rest = copy.copy(dataset.groups[0]), dataset.groups[1:]
    dataset.groups = [(real, short, name, other), *rest]
    with pytest.raises(StaleShardError, match=r"4 of the 8 .* another group or kind: 4"):
        dataset.plan()


def test_a_hole_that_a_kill_left_is_planned_with_the_words_as_they_are(dataset):
    dataset.count = 7
    dataset.plan(shard_size=4)
    dataset.workspace.part("plan", 1).unlink()
    dataset.workspace.done("plan", 1).unlink()
    kept = dataset.images
    assert [image.index for image in kept if image.concept == "cactihog"] == [0, 1, 6]
    dataset.templates["templates"] = [{"id": "other", "text": "{a} {short}, painted"}]
    dataset.plan(shard_size=4)
    assert dataset.images[: len(kept)] == kept
    assert {image.template for image in dataset.images[len(kept) :]} == {"other"}
    assert len({(image.concept, image.index) for image in dataset.images}) == 28
