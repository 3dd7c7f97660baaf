"""Near-misses: each image's most similar one that could wrongly drop it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.embeddings import normalized
from isekai_gen.filters import FilterContext
from isekai_gen.neighbors.pairs import joined_pairs
from isekai_gen.neighbors.similarity import indexed_similarities
from isekai_gen.records import Decision, ImageRecord, PlannedImage, Provenance
from isekai_gen.stages import calibrate_near_misses
from isekai_gen.stages.calibrate_near_misses import (
    find_near_misses,
    gather_candidates,
    near_misses_among,
)
from isekai_gen.stages.calibration_rule import NO_NEAR_MISS

PROVENANCE = Provenance("m", "", "d", "p", "s", "c", 1, 1.0, 8, 8, "float32", 1, "p")


def image(number, concept="one", pixels=""):
    image_id = f"{number:020x}"
    planned = PlannedImage(image_id, concept, number, "t", {}, "a thing", "", number, 0)
    path = f"images/{concept}/{image_id}.png"
    return ImageRecord(
        planned, PROVENANCE, "", path, f"file {number}", pixels or f"pixels {number}", None
    )


def random_vectors(count, seed=0):
    return normalized(np.random.default_rng(seed).normal(size=(count, 6)))


def brute_force(candidates, vectors):
    """The oracle: every pair, one by one."""
    found = []
    for row in candidates.anchors.tolist():
        best = NO_NEAR_MISS
        for other in range(len(vectors)):
            marked = {(row, other), (other, row)} & candidates.duplicates
            if (
                candidates.rank[other] < candidates.rank[row]
                and candidates.scope[other] == candidates.scope[row]
                and candidates.equal[other] != candidates.equal[row]
                and not marked
            ):
                rows = np.array([row]), np.array([other])
                similarity = indexed_similarities(vectors, rows[0], vectors, rows[1])
                best = max(best, float(similarity.astype(np.float32)[0]))
        found.append(best)
    return found


@given(data=st.data(), count=st.integers(1, 30), within=st.sampled_from(["all", "concept"]))
@settings(max_examples=60, deadline=None)
def test_near_misses_are_those_of_comparing_every_pair(data, count, within):
    images = [
        image(n, f"c{n % 3}", f"pixels {data.draw(st.integers(0, count))}") for n in range(count)
    ]
    ids = [each.image_id for each in images]
    pairs = data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))))
    decisions = [
        Decision((ids[min(pair)], ids[max(pair)]), "duplicate", "ada")
        for pair in pairs
        if pair[0] != pair[1]
    ]
    alignment = {key: data.draw(st.sampled_from([0.1, 0.2, 0.3])) for key in ids}
    context = FilterContext(alignment=alignment, decisions=decisions)
    anchors = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    candidates = gather_candidates(images, context, within, anchors)
    vectors = random_vectors(count)
    with pytest.MonkeyPatch.context() as patch:  # several blocks even of a few images
        patch.setattr(calibrate_near_misses, "_ANCHORS_AT_ONCE", 4)
        patch.setattr(calibrate_near_misses, "_IMAGES_AT_ONCE", 7)
        found = find_near_misses(candidates, vectors)
    assert found.similarity == pytest.approx(brute_force(candidates, vectors), abs=1e-6)
    every = [(i, j) for i in range(len(anchors)) for j in range(count) if anchors[i] != j]
    rows = np.array(every, dtype=np.int64).reshape(-1, 2)
    similarity = indexed_similarities(vectors, np.array(anchors)[rows[:, 0]], vectors, rows[:, 1])
    listed = joined_pairs([(rows[:, 0], rows[:, 1], similarity.astype(np.float32))])
    assert near_misses_among(candidates, listed).similarity.tolist() == brute_force(
        candidates, vectors
    )


def test_each_pair_counts_once_for_the_image_that_would_be_dropped():
    images = [image(0), image(1)]
    context = FilterContext(alignment={images[0].image_id: 0.1, images[1].image_id: 0.9})
    candidates = gather_candidates(images, context, "all", [0, 1])
    found = find_near_misses(candidates, random_vectors(2))
    assert found.partner.tolist() == [1, -1]
    assert found.similarity[1] == NO_NEAR_MISS


def test_an_image_that_a_person_keeps_comes_first():
    images = [image(0), image(1)]
    keep = Decision((images[1].image_id,), "keep", "ada")
    candidates = gather_candidates(images, FilterContext(decisions=[keep]), "all", [0, 1])
    assert candidates.rank.tolist() == [1, 0]


def test_a_pair_that_people_spared_is_a_near_miss():
    images = [image(0), image(1)]
    spared = Decision((images[0].image_id, images[1].image_id), "not_duplicate", "ada")
    candidates = gather_candidates(images, FilterContext(decisions=[spared]), "all", [0, 1])
    assert find_near_misses(candidates, random_vectors(2)).partner.tolist() == [-1, 0]


def test_equal_pixels_are_no_near_miss():
    images = [image(0), replace(image(1), pixel_sha256=image(0).pixel_sha256)]
    candidates = gather_candidates(images, FilterContext(), "all", [0, 1])
    assert find_near_misses(candidates, random_vectors(2)).partner.tolist() == [-1, -1]
