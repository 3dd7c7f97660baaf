import math

import numpy as np
import pytest

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.filters.alignment import AlignmentFilter, own_classes
from isekai_gen.filters.base import Evidence, FilterContext
from isekai_gen.neighbors.reference_classes import build_reference
from isekai_gen.neighbors.reference_set import ReferenceClass
from isekai_gen.records import Concept

# Eight classes, 10 degrees from one to the next: the first of them are the nearest to east.
CLASSES = [ReferenceClass(f"n{n}", f"thing {n}", f"n{n}") for n in range(8)]


def at(degrees):
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]


REFERENCE = build_reference("world", "tiny", CLASSES, [at(10 * n) for n in range(8)], {})


@pytest.fixture
def judge(make_image, make_concept):
    def run(margin, degrees=0.0, concept="cactihog", reference=REFERENCE, **limits):
        context = FilterContext(
            distractors={"a": Evidence(margin, "icemic")},
            embeddings=EmbeddingTable(("a",), normalized([at(degrees)]), "tiny"),
            reference=reference,
            concepts={
                "cactihog": make_concept("cactihog"),
                "thing-6": make_concept("thing-6", kind="real"),
                "unknown": make_concept("unknown", kind="real"),
            },
        )
        (verdict,) = AlignmentFilter(**limits).judge([make_image("a", concept)], context)
        return verdict

    return run


def test_without_a_limit_all_is_kept_and_the_margin_recorded(judge):
    verdict = judge(-0.3)
    assert (verdict.keep, verdict.reason, verdict.limit) == (True, "no_limit", None)
    assert (verdict.measured, verdict.reference) == (-0.3, "icemic")


def test_an_image_more_like_another_concept_is_dropped_where_a_limit_is_set(judge):
    verdict = judge(-0.01, min_margin=0.0)
    assert (verdict.keep, verdict.reason) == (False, "unlike_its_concept")
    assert (verdict.measured, verdict.limit, verdict.reference) == (-0.01, 0.0, "icemic")
    assert judge(0.0, min_margin=0.0).reason == "within_limit"
    assert not judge(0.0, min_margin=math.nextafter(0.0, 1)).keep


def test_a_real_concept_s_image_should_have_its_class_among_the_nearest_five(judge):
    # From 20 degrees on, class 6 (at 60) is the fifth nearest or nearer.
    assert judge(0.1, degrees=41, concept="thing-6").reason == "no_limit"
    verdict = judge(0.1, degrees=5, concept="thing-6")
    assert (verdict.keep, verdict.reason) == (True, "unlike_its_class")
    assert verdict.reference in ("world/n0", "world/n1")
    expected = math.cos(math.radians(55)) - math.cos(math.radians(35))
    assert verdict.measured == pytest.approx(expected)
    assert verdict.measured < verdict.limit == 0.0


def test_with_a_limit_set_images_unlike_their_class_are_dropped(judge):
    verdict = judge(0.1, degrees=5, concept="thing-6", min_margin=0.0)
    assert (verdict.keep, verdict.reason) == (False, "unlike_its_class")
    assert judge(-0.1, degrees=5, concept="thing-6", min_margin=0.0).reason == "unlike_its_concept"


def test_fictional_images_and_things_that_the_reference_lacks_have_no_class_of_their_own(judge):
    assert judge(0.1, degrees=5).reason == "no_limit"
    assert judge(0.1, degrees=5, concept="unknown").reason == "no_limit"


def test_a_reference_of_fewer_than_five_classes_is_enough(judge):
    few = build_reference("few", "tiny", CLASSES[5:7], [at(0), at(90)], {})
    assert judge(0.1, degrees=5, concept="thing-6", reference=few).reason == "no_limit"


def concept_named(name, wnids=()):
    return Concept("some-slug", name, "real", "g", "x", "y", wnids=wnids)


def test_own_classes_are_found_by_wnid_key_and_name():
    classes = [
        ReferenceClass("n02346627", "porcupine", "n02346627"),
        ReferenceClass("k", "Hedge-Hogs", ""),
        ReferenceClass("some-slug", "other", ""),
        ReferenceClass("z", "cactus", ""),
    ]
    reference = build_reference("w", "tiny", classes, np.eye(4), {})
    assert own_classes(concept_named("hedgehog"), reference) == {"k", "some-slug"}
    assert own_classes(concept_named("beast", ("n02346627",)), reference) == {
        "n02346627",
        "some-slug",
    }


def test_what_was_not_measured_is_named(make_image, make_concept):
    context = FilterContext(
        distractors={},
        embeddings=EmbeddingTable(("a",), normalized([at(0)]), "tiny"),
        reference=REFERENCE,
        concepts={"cactihog": make_concept("cactihog")},
    )
    with pytest.raises(ValueError, match="needs distractors of a"):
        list(AlignmentFilter().judge([make_image("a")], context))


@pytest.mark.parametrize("limit", [math.nan, 2.1, -2.1])
def test_a_limit_out_of_range_is_refused(limit):
    with pytest.raises(ValueError, match="min_margin must be in"):
        AlignmentFilter(limit)
