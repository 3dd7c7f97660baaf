"""What every filter promises; a new file in the folder is tested without being named here."""

import copy
import dataclasses

import numpy as np
import pytest

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.filters import FilterContext, Need, all_filters, register_filter
from isekai_gen.filters.base import Evidence
from isekai_gen.neighbors.edges import find_edges
from isekai_gen.neighbors.reference_classes import build_reference
from isekai_gen.neighbors.reference_set import ReferenceClass
from isekai_gen.neighbors.search import SearchOptions
from isekai_gen.records import Decision, PictureLook

FILTERS = list(all_filters().values())
IDS = [f"{number:04x}" for number in range(12)]


LIMITS = {
    "alignment": {"min_margin": 0.0},
    "near_duplicate": {
        "tiers": ("exact", "perceptual", "semantic"),
        "max_similarity": 0.9,
        "review_similarity": 0.85,
        "radius": 4,
        "review_radius": 10,
        "extra_max_similarity": 0.9,
        "extra_review_similarity": 0.75,
    },
}
"""Limits for filters that have no defaults, or whose defaults drop nothing."""


def example_of(filter_class):
    return filter_class(**LIMITS.get(filter_class.name, {}))


def has_only_highest_limits(judging):
    return not any(field.name.startswith("min_") for field in dataclasses.fields(judging))


@pytest.fixture
def images(make_image):
    concepts = ["cactihog", "icemic", "hedgehog"]
    flags = [None, False, True]
    return [
        dataclasses.replace(
            make_image(image_id, concepts[n % 3], pixel_sha256=f"{n % 11}"),
            safety_flagged=flags[n // 3 % 3],
        )
        for n, image_id in enumerate(IDS)
    ]


@pytest.fixture
def context(make_concept):
    rng = np.random.default_rng(7)
    base = np.repeat(rng.normal(size=(4, 6)), 3, axis=0)
    table = EmbeddingTable(tuple(IDS), normalized(base + 0.02 * rng.normal(size=(12, 6))), "tiny")
    classes = [ReferenceClass("n1", "one", "n1"), ReferenceClass("n2", "two", "n2")]
    return FilterContext(
        embeddings=table,
        edges={
            tier: find_edges(table, SearchOptions(floor=0.5))[0]
            for tier in ("perceptual", "semantic")
        },
        background={"cactihog": 0.95},
        looks={
            image_id: PictureLook(image_id, short_side=128, contrast=2.0 * n, text=0.0)
            for n, image_id in enumerate(IDS)
        },
        copies={image_id: Evidence(0.9 + 0.009 * n, "world/7") for n, image_id in enumerate(IDS)},
        names={"cactihog": Evidence(0.5, "world/n1"), "icemic": Evidence(1.0, "world/n2")},
        distractors={
            image_id: Evidence(0.1 * (n - 3), "hedgehog") for n, image_id in enumerate(IDS)
        },
        reference=build_reference("world", "tiny", classes, base[[0, 3]], {}),
        concepts={
            "cactihog": make_concept("cactihog"),
            "icemic": make_concept("icemic", group="mic"),
            "hedgehog": make_concept("hedgehog", kind="real"),
        },
        own_text=EmbeddingTable(("cactihog", "icemic"), normalized(base[[6, 9]]), "tiny"),
        alignment={image_id: 0.1 * n for n, image_id in enumerate(IDS)},
        already_dropped=frozenset(IDS[:1]),
        decisions=[Decision((IDS[4],), "keep", "ada")],
    )


@pytest.mark.parametrize("filter_class", FILTERS, ids=lambda one: one.name)
class TestEveryFilter:
    def test_is_a_frozen_dataclass_that_says_what_it_is(self, filter_class):
        assert dataclasses.is_dataclass(filter_class)
        assert filter_class.__dataclass_params__.frozen
        assert filter_class.__doc__
        assert filter_class.name == filter_class.__module__.rsplit(".", 1)[1]
        assert filter_class.needs <= set(Need)

    def test_yields_one_verdict_per_image_in_the_same_order(self, filter_class, images, context):
        verdicts = list(example_of(filter_class).judge(images, context))
        assert [verdict.image_id for verdict in verdicts] == IDS
        assert {verdict.by for verdict in verdicts} == {filter_class.name}
        assert not all(verdict.keep for verdict in verdicts), "the example drops nothing"

    def test_judges_the_same_way_twice(self, filter_class, images, context):
        judging = example_of(filter_class)
        assert list(judging.judge(images, context)) == list(judging.judge(images, context))

    def test_changes_nothing_it_was_given(self, filter_class, images, context):
        images_before, before = copy.deepcopy(images), copy.deepcopy(context)
        list(example_of(filter_class).judge(images, context))
        assert images == images_before
        assert context.alignment == before.alignment
        assert context.decisions == before.decisions
        assert context.concepts == before.concepts
        assert np.array_equal(context.embeddings.vectors, before.embeddings.vectors)
        for tier, edges in before.edges.items():
            assert np.array_equal(context.edges[tier].pairs.similarity, edges.pairs.similarity)
            assert np.array_equal(context.edges[tier].pairs.row_a, edges.pairs.row_a)
        assert np.array_equal(context.reference.text.vectors, before.reference.text.vectors)

    def test_gives_a_reason_always_and_evidence_for_every_drop(self, filter_class, images, context):
        judging = example_of(filter_class)
        kept_for = {verdict.reason for verdict in judging.judge(images, context) if verdict.keep}
        for verdict in judging.judge(images, context):
            assert verdict.reason
            assert verdict.limit is None or verdict.measured is not None
            if verdict.keep:
                continue
            assert verdict.reason not in kept_for
            if filter_class.needs:  # one without only passes on what others said of the image
                assert verdict.measured is not None
            if filter_class.needs - {Need.LOOKS}:  # what it compared the image with
                assert verdict.witness or verdict.reference
            if verdict.limit is not None and has_only_highest_limits(judging):
                assert verdict.measured > verdict.limit

    def test_looks_only_at_what_it_needs_and_names_what_is_missing(
        self, filter_class, images, context
    ):
        judging = example_of(filter_class)
        nothing = {"concepts": {}}
        for need in filter_class.needs:
            without = dataclasses.replace(context, **{need.value: nothing.get(need.value)})
            with pytest.raises(ValueError, match=f"needs {need.value}"):
                list(judging.judge(images, without))
        unneeded = {
            need.value: nothing.get(need.value) for need in Need if need not in filter_class.needs
        }
        expected = list(judging.judge(images, context))
        assert list(judging.judge(images, dataclasses.replace(context, **unneeded))) == expected

    def test_refuses_failed_and_repeated_images(self, filter_class, context, make_image, images):
        judging = example_of(filter_class)
        with pytest.raises(ValueError, match="was not generated"):
            list(judging.judge([make_image("x", failure="constant picture")], context))
        with pytest.raises(ValueError, match="twice"):
            list(judging.judge([images[0], images[0]], context))

    def test_accepts_no_images(self, filter_class, context):
        assert list(example_of(filter_class).judge([], context)) == []


def test_filters_come_in_their_declared_order_under_their_names():
    found = all_filters()
    orders = [one.order for one in found.values()]
    assert list(found).index("class_overlap") < list(found).index("near_duplicate")
    assert orders == sorted(set(orders))
    assert all(name == one.name for name, one in found.items())


def test_a_second_filter_cannot_take_a_name_or_an_order():
    before = all_filters()
    taken = next(iter(before.values()))
    for name, order in ((taken.name, 10_000), ("new_one", taken.order)):
        with pytest.raises(ValueError, match="collides"):
            register_filter(type("Other", (), {"name": name, "order": order}))
    assert all_filters() == before
