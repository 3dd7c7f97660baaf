"""Rankings of classes, against a plain double loop."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.embeddings import normalized
from isekai_gen.neighbors import class_ranks
from isekai_gen.neighbors.class_features import (
    ClassFeatures,
    features_of_reference,
    kind_of_similarity,
)
from isekai_gen.neighbors.class_ranks import ranked_classes, stratified_ranks
from isekai_gen.neighbors.image_classes import ClassNames, ImageClass, class_indices
from isekai_gen.neighbors.reference import ReferenceClass, build_reference

KINDS = {"lcl": "lcl", "cosine": "cosine", "text-only": "cosine"}


def features_of(count, kind="lcl", seed=0, dim=6, coarse=False):
    """Random classes; `coarse` vectors lie on few directions, so that many classes tie."""
    random = np.random.default_rng(seed)
    draw = random.normal(size=(2, count, dim))
    if coarse:
        draw = np.eye(dim)[random.integers(0, 2, size=(2, count))]
    # Keys in another order than the classes.
    keys = [f"c{number:05d}" for number in random.permutation(count)]
    text, images = normalized(draw[0]), normalized(draw[1])
    classes = tuple(ImageClass(key, key) for key in keys)
    return ClassFeatures(classes, text, None if kind == "text-only" else images, kind, "tiny")


def naive_similarity(features, one, other):
    """As the paper's code has it, in plain Python."""

    def dot(left, right):
        return sum(float(a) * float(b) for a, b in zip(left, right, strict=True))

    text, images = features.text, features.images
    if features.kind == "text-only":
        return dot(text[one], text[other])
    if features.kind == "cosine":
        return dot(images[one], images[other])
    crossed = dot(images[one], text[other]) + dot(text[one], images[other])
    same = dot(text[one], text[other]) + dot(images[one], images[other])
    return 0.5 * same + 0.8 * crossed


def naive_ranking(features, one):
    others = [row for row in range(len(features.classes)) if row != one]
    found = {row: round(naive_similarity(features, one, row), 6) for row in others}
    return [
        (row, found[row])
        for row in sorted(others, key=lambda row: (-found[row], features.classes[row].key))
    ]


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(2, 12),
    kind=st.sampled_from(sorted(KINDS)),
    seed=st.integers(0, 999),
    coarse=st.booleans(),
)
def test_rankings_are_those_of_a_double_loop(count, kind, seed, coarse):
    features = features_of(count, kind, seed, coarse=coarse)
    found = list(ranked_classes(features, KINDS[kind]))
    assert [ranking.key for ranking in found] == [entry.key for entry in features.classes]
    for one, ranking in enumerate(found):
        expected = naive_ranking(features, one)
        assert ranking.similarities == pytest.approx([value for _, value in expected], abs=2e-6)
        if coarse:  # sums of a few round numbers: ties are ties in either arithmetic
            assert ranking.order.tolist() == [row for row, _ in expected]
        assert sorted([one, *ranking.order.tolist()]) == list(range(count))
        assert (np.diff(ranking.similarities) <= 0).all()
        assert ranking.order.dtype == np.int32
        assert ranking.similarities.dtype == np.float32


def test_ties_go_by_key():
    text = normalized(np.ones((4, 3)))
    classes = tuple(ImageClass(key, key) for key in ("d", "b", "a", "c"))
    features = ClassFeatures(classes, text, None, "text-only")
    orders = [ranking.keys_by_rank for ranking in ranked_classes(features, "cosine")]
    assert orders == [("a", "b", "c"), ("a", "c", "d"), ("b", "c", "d"), ("a", "b", "d")]


def test_blocks_of_any_size_give_the_same_rankings(monkeypatch):
    features = features_of(23)
    whole = list(ranked_classes(features, "lcl"))
    monkeypatch.setattr(class_ranks, "_BLOCK_BYTES", 1)
    assert class_ranks.block_rows(23) == 1
    for one, other in zip(whole, ranked_classes(features, "lcl"), strict=True):
        assert one.order.tolist() == other.order.tolist()
        assert one.similarities.tolist() == other.similarities.tolist()


def test_memory_is_bounded_by_the_features_and_a_block():
    count, dim = 4000, 16
    features = features_of(count, "text-only", dim=dim)
    rankings = ranked_classes(features, "cosine")
    tracemalloc.start()
    try:
        longest = max(len(ranking.order) for ranking in rankings)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert longest == count - 1
    sides = 3 * count * dim * 8
    assert peak < sides + class_ranks._BLOCK_BYTES + (2 << 20)
    assert peak < count * count * 8 // 2  # the matrix of all pairs would be 128 MB


def test_what_a_similarity_is_called():
    assert kind_of_similarity(features_of(3), "lcl") == "lcl"
    assert kind_of_similarity(features_of(3, "cosine"), "lcl") == "lcl-of-unit-means"
    assert kind_of_similarity(features_of(3, "cosine"), "cosine") == "cosine-image"
    assert kind_of_similarity(features_of(3, "text-only"), "cosine") == "cosine-text"


@pytest.mark.parametrize(("kind", "similarity"), [("lcl", "cosine"), ("text-only", "lcl")])
def test_similarities_that_features_do_not_have_are_refused(kind, similarity):
    with pytest.raises(ValueError, match="have no similarity"):
        next(ranked_classes(features_of(3, kind), similarity))


def test_features_are_checked_at_birth():
    good = features_of(3)
    with pytest.raises(ValueError, match="distinct keys"):
        ClassFeatures((good.classes[0],) * 3, good.text, good.images, "lcl")
    with pytest.raises(ValueError, match="unit length"):
        ClassFeatures(good.classes, good.text * 2, good.images, "lcl")
    with pytest.raises(ValueError, match=r"float32 \[3, d\]"):
        ClassFeatures(good.classes, good.text[:2], good.images, "lcl")
    with pytest.raises(ValueError, match="must have texts"):
        ClassFeatures(good.classes, None, good.images, "lcl")
    with pytest.raises(ValueError, match="must have images"):
        ClassFeatures(good.classes, good.text, None, "lcl")


def test_another_digest_for_other_features():
    assert features_of(3).digest() == features_of(3).digest()
    other = [features_of(3, seed=1), features_of(3, "cosine"), features_of(3, "text-only")]
    assert len({each.digest() for each in [features_of(3), *other]}) == 4


def test_classes_of_a_reference_set_get_imagenets_ids():
    classes = [ReferenceClass("a", "tench", "n01440764"), ReferenceClass("b", "own", "")]
    vectors = np.random.default_rng(0).normal(size=(2, 4))
    reference = build_reference("two", "tiny", classes, vectors, {})
    names = ClassNames({}, class_indices(["n01440764", "n01443537"]), {})
    features = features_of_reference(reference, names)
    assert features.classes == (
        ImageClass("a", "tench", "n01440764", None, 0),
        ImageClass("b", "own"),
    )
    assert features.kind == "text-only"
    assert features_of_reference(reference).classes[0].class_index is None


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 60), data=st.data(), seed=st.integers(0, 9))
def test_one_rank_is_drawn_from_every_bin(count, data, seed):
    bins = data.draw(st.integers(1, count))
    drawn = stratified_ranks("a", count, bins, seed)
    size = math.ceil(count / bins)
    in_bins = [list(range(count))[start : start + size] for start in range(0, count, size)]
    assert [number for number, _ in drawn] == list(range(len(in_bins)))
    assert all(rank in in_bins[number] for number, rank in drawn)
    assert drawn == stratified_ranks("a", count, bins, seed)


def test_draws_from_bins_differ_between_classes_and_seeds():
    draws = {tuple(stratified_ranks(key, 100, 10, seed)) for key in "abc" for seed in range(3)}
    assert len(draws) == 9
