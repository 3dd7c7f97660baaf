import math

import pytest

from isekai_gen.filters.base import Evidence, FilterContext
from isekai_gen.filters.reference_copy import ReferenceCopyFilter


@pytest.fixture
def judge(make_image, make_concept):
    def run(similarities, concept="cactihog", **limits):
        ids = [f"{number:04x}" for number in range(len(similarities))]
        context = FilterContext(
            copies={
                image_id: Evidence(similarity, f"photos/{image_id}.jpg")
                for image_id, similarity in zip(ids, similarities, strict=True)
            },
            concepts={
                "cactihog": make_concept("cactihog"),
                "hedgehog": make_concept("hedgehog", kind="real"),
            },
        )
        images = [make_image(image_id, concept) for image_id in ids]
        return list(ReferenceCopyFilter(**limits).judge(images, context))

    return run


def test_an_image_above_the_limit_is_a_copy_and_names_what_it_copies(judge):
    copied, near, new = judge([0.97, 0.93, 0.4], max_similarity=0.95, review_similarity=0.9)
    assert (copied.keep, copied.reason) == (False, "copy_of_reference_image")
    assert (copied.measured, copied.limit, copied.reference) == (0.97, 0.95, "photos/0000.jpg")
    assert (near.keep, near.reason, near.measured) == (True, "near_reference_image", 0.93)
    assert (new.keep, new.reason) == (True, "within_limit")


def test_the_limit_may_be_reached_but_not_exceeded(judge):
    assert judge([0.95], max_similarity=0.95)[0].keep
    assert not judge([0.95], max_similarity=math.nextafter(0.95, 0))[0].keep
    assert judge([0.9], review_similarity=0.9)[0].reason == "within_limit"


def test_an_equal_image_is_dropped_under_every_limit(judge):
    highest = math.nextafter(1.0, 0.0)
    assert not judge([1.0], max_similarity=highest, review_similarity=highest)[0].keep
    with pytest.raises(ValueError, match=r"must be in \[-1, 1\), got 1"):
        ReferenceCopyFilter(max_similarity=1.0)


def test_photos_of_real_concepts_may_look_like_photos(judge):
    (verdict,) = judge([0.99], concept="hedgehog")
    assert (verdict.keep, verdict.reason, verdict.measured) == (True, "real_concept", None)


def test_without_a_reference_set_there_is_nothing_to_judge(make_image, make_concept):
    context = FilterContext(copies={}, concepts={"cactihog": make_concept("cactihog")})
    (verdict,) = ReferenceCopyFilter().judge([make_image("a")], context)
    assert (verdict.keep, verdict.reason) == (True, "nothing_to_judge")


def test_an_image_that_was_not_compared_is_no_image_without_a_copy(make_image, make_concept):
    context = FilterContext(
        copies={"a": Evidence(0.2, "photos/x")}, concepts={"cactihog": make_concept("cactihog")}
    )
    with pytest.raises(ValueError, match="needs copies of b"):
        list(ReferenceCopyFilter().judge([make_image("a"), make_image("b")], context))


@pytest.mark.parametrize(
    "limits",
    [
        {"max_similarity": math.nan},
        {"max_similarity": -1.1},
        {"review_similarity": 0.96},
        {"review_similarity": math.nan},
    ],
)
def test_limits_out_of_range_are_refused(limits):
    with pytest.raises(ValueError, match="similarity must be in"):
        ReferenceCopyFilter(**limits)
