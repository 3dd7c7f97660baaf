import math

import pytest

from isekai_gen.filters.base import Evidence, FilterContext
from isekai_gen.filters.name_overlap import NameOverlapFilter


@pytest.fixture
def judge(make_image, make_concept):
    def run(measured, concept="cactihog", **limits):
        context = FilterContext(
            names={"cactihog": Evidence(measured, "world/n1")},
            concepts={
                "cactihog": make_concept("cactihog"),
                "hedgehog": make_concept("hedgehog", kind="real"),
            },
        )
        (verdict,) = NameOverlapFilter(**limits).judge([make_image("a", concept)], context)
        return verdict

    return run


def test_images_under_the_name_of_a_class_are_dropped(judge):
    verdict = judge(1.0)
    assert (verdict.keep, verdict.reason, verdict.reference) == (False, "name_is_class", "world/n1")
    assert verdict.measured > verdict.limit


def test_a_name_that_only_reads_alike_is_for_people(judge):
    verdict = judge(0.95)
    assert (verdict.keep, verdict.reason, verdict.measured) == (True, "name_near_class", 0.95)
    assert judge(math.nextafter(1.0, 0.0)).keep


def test_the_limit_may_be_reached(judge):
    assert judge(0.9).reason == "within_limit"
    assert judge(0.9, max_similarity=math.nextafter(0.9, 0)).reason == "name_near_class"


def test_real_concepts_have_the_names_of_real_things(judge):
    verdict = judge(1.0, concept="hedgehog")
    assert (verdict.keep, verdict.reason) == (True, "real_concept")


def test_a_concept_whose_name_was_not_compared_is_named(make_image, make_concept):
    context = FilterContext(names={}, concepts={"cactihog": make_concept("cactihog")})
    with pytest.raises(ValueError, match="needs names of cactihog"):
        list(NameOverlapFilter().judge([make_image("a")], context))


@pytest.mark.parametrize("limit", [math.nan, 1.1, -1.1])
def test_a_limit_out_of_range_is_refused(limit):
    with pytest.raises(ValueError, match="max_similarity must be in"):
        NameOverlapFilter(limit)
