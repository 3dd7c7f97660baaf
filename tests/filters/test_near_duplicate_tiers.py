import math

import numpy as np
import pytest

from isekai_gen.filters.base import FilterContext
from isekai_gen.filters.near_duplicate import ReviewPair, review_pairs
from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.neighbors.pairs import joined_pairs
from tests.filters.duplicate_filters import COS_20, kept_of, near_duplicate


def hash_edges(ids, pairs, floor=0.8):
    """Edges of the perceptual tier: pairs of rows to the number of bits that differ."""
    rows = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    similarity = np.array([1 - bits / 64 for bits in pairs.values()], dtype=np.float32)
    return EdgeList(
        tuple(ids), joined_pairs([(rows[:, 0], rows[:, 1], similarity)]), floor, "perceptual"
    )


def test_hashes_within_the_radius_are_duplicates_and_within_the_review_radius_to_be_looked_at(
    make_image,
):
    edges = hash_edges("abcd", {(0, 1): 4, (0, 2): 5, (2, 3): 11})
    judging = near_duplicate(tiers=("perceptual",), radius=4, review_radius=10)
    images = [make_image(i) for i in "abcd"]
    context = FilterContext(edges={"perceptual": edges})
    dropped, looked_at = [list(judging.judge(images, context))[row] for row in (1, 2)]
    assert (dropped.keep, dropped.reason, dropped.witness) == (False, "looks_the_same", "a")
    assert (dropped.measured, dropped.limit) == (1 - 4 / 64, 1 - 5 / 64)
    assert (looked_at.keep, looked_at.reason, looked_at.witness) == (True, "in_review_band", "")
    assert review_pairs(judging.decide(images, context)) == [
        ReviewPair(("a", "c"), "perceptual", 1 - 5 / 64, 1 - 5 / 64)
    ]


def test_hash_edges_need_only_reach_the_last_radius_that_counts(make_image):
    images = [make_image(i) for i in "ab"]
    judging = near_duplicate(tiers=("perceptual",), review_radius=10)
    reaching = hash_edges("ab", {}, floor=1 - 10 / 64)
    assert all(v.keep for v in judging.judge(images, FilterContext(edges={"perceptual": reaching})))
    ending = hash_edges("ab", {}, floor=1 - 9 / 64)
    with pytest.raises(ValueError, match="perceptual edges are listed down to"):
        list(judging.judge(images, FilterContext(edges={"perceptual": ending})))


def test_equal_files_and_equal_pixels_need_no_edges(make_image):
    images = [
        make_image("a", file_sha256="f1", pixel_sha256="p1"),
        make_image("b", file_sha256="f2", pixel_sha256="p1"),
        make_image("c", file_sha256="f2", pixel_sha256="p2"),
        make_image("d"),
        make_image("e"),
    ]
    verdicts = list(near_duplicate(tiers=("exact",)).judge(images, FilterContext()))
    assert [v.keep for v in verdicts] == [True, False, True, True, True]
    assert (verdicts[1].reason, verdicts[1].witness) == ("same_bytes", "c")
    assert (verdicts[1].tier, verdicts[1].measured, verdicts[1].limit) == ("exact", 1.0, None)


def test_the_first_tier_with_a_witness_gives_the_evidence(make_image, make_fan):
    _, semantic = make_fan([0, 5, 2])
    images = [
        make_image("a", pixel_sha256="p"),
        make_image("b"),
        make_image("c", pixel_sha256="p"),
    ]
    edges = {"semantic": semantic, "perceptual": hash_edges("abc", {(0, 1): 2, (0, 2): 0})}
    judging = near_duplicate(tiers=("exact", "perceptual", "semantic"))
    reasons = [v.reason for v in judging.judge(images, FilterContext(edges=edges))]
    assert reasons == ["within_limit", "looks_the_same", "same_pixels"]
    judging = near_duplicate(tiers=("semantic", "perceptual"))
    reasons = [v.reason for v in judging.judge(images, FilterContext(edges=edges))]
    assert reasons == ["within_limit", "similar_to_kept", "similar_to_kept"]


def test_a_further_encoder_is_one_more_tier(make_image, make_fan):
    _, edges = make_fan([0, 20, 40])
    judging = near_duplicate(
        tiers=("extra",), extra_max_similarity=0.9, extra_review_similarity=0.7
    )
    images = [make_image(i) for i in "abc"]
    verdicts = list(judging.judge(images, FilterContext(edges={"extra": edges})))
    assert [v.reason for v in verdicts] == ["in_review_band", "similar_by_extra", "in_review_band"]
    assert (verdicts[1].tier, verdicts[1].limit) == ("extra", 0.9)


def test_a_tight_concept_is_held_against_its_background(make_image, make_fan):
    table, edges = make_fan([0, 10, 1, 90, 100])
    images = [make_image(i, "icemic" if i in "de" else "cactihog") for i in table.ids]
    background = {"cactihog": math.cos(math.radians(5)), "icemic": -0.5}
    context = FilterContext(edges={"semantic": edges}, background=background)
    relative = near_duplicate(relative=True, review_similarity=0.5)
    verdicts = {v.image_id: v for v in relative.judge(images, context)}
    assert kept_of(verdicts) == ["a", "b", "d"]
    assert verdicts["b"].reason == "within_limit"  # like its siblings, and so no cause to look
    assert (verdicts["c"].witness, verdicts["c"].limit) == ("a", background["cactihog"])
    assert (verdicts["e"].witness, verdicts["e"].limit) == ("d", COS_20)
    verdicts = {v.image_id: v for v in near_duplicate().judge(images, context)}
    assert kept_of(verdicts) == ["a", "d"]


def test_a_pair_of_two_concepts_is_held_against_the_limit_alone(make_image, make_fan):
    _, edges = make_fan([0, 10])
    images = [make_image("a", "cactihog"), make_image("b", "icemic")]
    context = FilterContext(
        edges={"semantic": edges}, background={"cactihog": 0.999, "icemic": 0.999}
    )
    assert [v.keep for v in near_duplicate(relative=True).judge(images, context)] == [True, False]


def test_pairs_to_look_at_come_by_falling_similarity_and_name_kept_images_only(
    make_image, make_fan
):
    table, edges = make_fan([0, 30, 55, 56])
    judging = near_duplicate(review_similarity=0.5)
    context = FilterContext(edges={"semantic": edges})
    decided = judging.decide([make_image(i) for i in table.ids], context)
    pairs = review_pairs(decided)
    assert [pair.images for pair in pairs] == [("b", "c"), ("a", "b"), ("a", "c")]
    assert [pair.tier for pair in pairs] == ["semantic"] * 3
    assert pairs[1].similarity == pytest.approx(math.cos(math.radians(30)))
    assert pairs[1].limit == COS_20


def test_images_that_were_never_searched_are_not_taken_for_unique(make_image, make_fan):
    _, edges = make_fan([0, 90])
    images = [make_image(i) for i in "abc"]
    context = FilterContext(edges={"semantic": edges})
    with pytest.raises(ValueError, match="not searched for image c"):
        list(near_duplicate().judge(images, context))
    dropped = FilterContext(edges={"semantic": edges}, already_dropped=frozenset("c"))
    assert [v.reason for v in near_duplicate().judge(images, dropped)][2] == "dropped_before"


def test_a_tier_without_edges_is_named(make_image, make_fan):
    _, edges = make_fan([0, 90])
    judging = near_duplicate(tiers=("semantic", "perceptual"))
    with pytest.raises(ValueError, match="edges of tier 'perceptual'"):
        list(judging.judge([make_image("a")], FilterContext(edges={"semantic": edges})))
