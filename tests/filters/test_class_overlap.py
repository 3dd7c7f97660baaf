import math

import numpy as np
import pytest

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.filters.base import FilterContext
from isekai_gen.filters.class_overlap import ClassOverlapFilter
from isekai_gen.neighbors.reference import ReferenceClass, build_reference

CLASSES = [ReferenceClass("n1", "hedgehog", "n1"), ReferenceClass("n2", "cactus", "n2")]
# East is the hedgehog, north the cactus; the cactihog's own text lies between, up out of the plane.
EAST, NORTH, UP = np.eye(3)
OWN = (EAST + NORTH + UP) / math.sqrt(3)


def tilted(vector, degrees):
    """`vector` tilted towards up."""
    angle = math.radians(degrees)
    return math.cos(angle) * vector + math.sin(angle) * UP


def reference_with(images=None):
    return build_reference("tiny-world", "tiny", CLASSES, [EAST, NORTH], images or {})


@pytest.fixture
def judge(make_image, make_concept):
    def run(vectors, reference, concept="cactihog", **limits):
        ids = tuple(f"{number:04x}" for number in range(len(vectors)))
        context = FilterContext(
            embeddings=EmbeddingTable(ids, normalized(np.reshape(vectors, (-1, 3))), "tiny"),
            reference=reference,
            concepts={
                "cactihog": make_concept("cactihog"),
                "hedgehog": make_concept("hedgehog", kind="real"),
            },
            own_text=EmbeddingTable(("cactihog",), normalized([OWN]), "tiny"),
        )
        images = [make_image(image_id, concept) for image_id in ids]
        return list(ClassOverlapFilter(**limits).judge(images, context))

    return run


def test_an_image_nearer_to_a_class_name_than_to_its_own_text_is_dropped(judge):
    like_hedgehog, like_itself = judge([EAST, OWN], reference_with())
    assert (like_hedgehog.keep, like_hedgehog.reason) == (False, "looks_like_class")
    assert like_hedgehog.reference == "tiny-world/n1"
    assert like_hedgehog.measured == pytest.approx(1 - 1 / math.sqrt(3))
    assert like_hedgehog.limit == 0.0
    assert (like_itself.keep, like_itself.reason) == (True, "within_limit")
    assert like_itself.measured == pytest.approx(1 / math.sqrt(3) - 1)


def test_the_margin_is_a_limit_that_may_be_reached_but_not_exceeded(judge):
    (verdict,) = judge([NORTH], reference_with())
    assert judge([NORTH], reference_with(), max_margin=verdict.measured)[0].keep
    below = math.nextafter(verdict.measured, -1)
    assert not judge([NORTH], reference_with(), max_margin=below)[0].keep


def test_images_of_real_concepts_are_kept_unjudged(judge):
    (verdict,) = judge([EAST], reference_with(), concept="hedgehog")
    assert (verdict.keep, verdict.reason, verdict.measured) == (True, "real_concept", None)


def test_with_prototypes_an_image_must_also_look_like_the_class_s_images(judge):
    # Real hedgehogs all lie within a few degrees of east, as their name does.
    hedgehogs = [tilted(EAST, degrees) for degrees in (-4, -2, 0, 2, 4)]
    cacti = [tilted(NORTH, degrees) for degrees in (-4, -2, 0, 2, 4)]
    reference = reference_with({"n1": hedgehogs, "n2": cacti})
    real_looking, odd_looking = judge([EAST, tilted(EAST, -30)], reference)
    assert (real_looking.keep, real_looking.reason) == (False, "looks_like_class")
    assert (odd_looking.keep, odd_looking.reason) == (True, "unlike_class_images")
    assert odd_looking.measured > odd_looking.limit


def test_heads_that_name_different_classes_drop_nothing(judge):
    # The photos were swapped: what reads as a hedgehog looks like the images of cacti.
    reference = reference_with({"n1": [NORTH, NORTH], "n2": [EAST, EAST]})
    (verdict,) = judge([EAST], reference)
    assert (verdict.keep, verdict.reason) == (True, "unlike_class_images")


def test_a_lower_own_quantile_drops_more(judge):
    spread = [tilted(EAST, degrees) for degrees in (-40, -25, -10, -5, 0, 5, 10, 25, 40)]
    reference = reference_with({"n1": spread, "n2": [NORTH, NORTH]})
    image = tilted(EAST, -30)
    dropped = [
        not judge([image], reference, own_quantile=quantile)[0].keep
        for quantile in (0.05, 0.25, 0.5)
    ]
    assert dropped == [True, False, False]


def test_the_order_of_classes_and_images_changes_no_verdict(judge):
    forward = build_reference("w", "tiny", CLASSES, [EAST, NORTH], {})
    backward = build_reference("w", "tiny", CLASSES[::-1], [NORTH, EAST], {})
    vectors = [EAST, NORTH, OWN, EAST + NORTH]
    assert judge(vectors, forward) == judge(vectors, backward)


def test_what_is_missing_is_named(make_image, make_concept, judge):
    images = [make_image("a")]
    embeddings = EmbeddingTable(("b",), normalized([EAST]), "tiny")
    own_text = EmbeddingTable(("icemic",), normalized([OWN]), "tiny")
    full = {
        "embeddings": embeddings,
        "reference": reference_with(),
        "concepts": {"cactihog": make_concept("cactihog")},
        "own_text": own_text,
    }
    with pytest.raises(ValueError, match="needs embeddings of a"):
        list(ClassOverlapFilter().judge(images, FilterContext(**full)))
    full["embeddings"] = EmbeddingTable(("a",), normalized([EAST]), "tiny")
    with pytest.raises(ValueError, match="needs own_text of cactihog"):
        list(ClassOverlapFilter().judge(images, FilterContext(**full)))
    full["own_text"] = EmbeddingTable(("cactihog",), normalized([OWN]), "other")
    with pytest.raises(ValueError, match="own_text of encoder 'other'"):
        list(ClassOverlapFilter().judge(images, FilterContext(**full)))
    unnamed = build_reference("w", "tiny", CLASSES, None, {"n1": [EAST] * 2, "n2": [NORTH] * 2})
    with pytest.raises(ValueError, match="reference with text embeddings"):
        judge([EAST], unnamed)


@pytest.mark.parametrize("limits", [{"max_margin": math.nan}, {"own_quantile": 0.3}])
def test_limits_out_of_range_are_refused(limits):
    with pytest.raises(ValueError, match="must be"):
        ClassOverlapFilter(**limits)
