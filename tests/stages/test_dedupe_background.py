"""The quantile of a concept's own pairs that the relative rule compares with."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.neighbors.similarity import indexed_similarities
from isekai_gen.records import ImageRecord, PlannedImage, Provenance
from isekai_gen.stages import dedupe_background
from isekai_gen.stages.dedupe_background import concept_backgrounds, pair_quantile

PROVENANCE = Provenance("m", "", "0", "P", "S", "0", 1, 1.0, 8, 8, "float32", 1, "0")


def image(number, concept="cat", pixels=None, content=None):
    image_id = f"{number:020x}"
    planned = PlannedImage(image_id, concept, number, "t", {}, "a cat", "", number, 0)
    pixels, content = pixels or f"p{number}", content or f"f{number}"
    path = f"images/{concept}/{image_id}.png"
    return ImageRecord(planned, PROVENANCE, "", path, content, pixels, None)


def vectors_of(count, seed=0, dim=5):
    return normalized(np.random.default_rng(seed).normal(size=(count, dim)))


def table_of(images, vectors):
    return EmbeddingTable(tuple(one.image_id for one in images), vectors, "e")


def naive_quantile(vectors, quantile):
    first, second = np.triu_indices(len(vectors), k=1)
    similarity = np.sort(indexed_similarities(vectors, first, vectors, second))
    return similarity[max(0, math.ceil(quantile * len(similarity)) - 1)]


@settings(deadline=None)
@given(st.integers(2, 40), st.floats(0, 1), st.integers(0, 99), st.booleans())
def test_the_fast_quantile_is_that_of_all_pairs_to_the_bit(count, quantile, seed, many_ties):
    vectors = vectors_of(count, seed)
    if many_ties:
        vectors = vectors[np.arange(count) % 3]
    assert pair_quantile(vectors, quantile) == naive_quantile(vectors, quantile)


def test_the_quantile_does_not_exceed_its_share_of_pairs():
    vectors = vectors_of(60)
    first, second = np.triu_indices(60, k=1)
    similarity = indexed_similarities(vectors, first, vectors, second)
    value = pair_quantile(vectors, 0.9)
    assert (similarity <= value).mean() >= 0.9 > (similarity < value).mean()


def test_each_concept_has_its_own_background_whatever_the_order():
    images = [image(n, "cat" if n % 2 else "dog") for n in range(20)]
    table = table_of(images, vectors_of(20))
    found = concept_backgrounds(images, table, 0.8)
    assert found == concept_backgrounds(images[::-1], table.select(table.ids[::-1]), 0.8)
    assert found["cat"] == naive_quantile(table.vectors[1::2], 0.8)
    assert found["dog"] == naive_quantile(table.vectors[::2], 0.8)


@pytest.mark.parametrize("same", [{"pixels": "p0"}, {"content": "f0"}])
def test_exact_duplicates_count_once(same):
    images = [*(image(n) for n in range(6)), *(image(n, **same) for n in range(6, 10))]
    vectors = vectors_of(10)
    vectors[6:] = vectors[0]
    found = concept_backgrounds(images, table_of(images, vectors), 0.9)
    assert found == {"cat": naive_quantile(vectors[:6], 0.9)}


def test_a_concept_with_one_different_image_has_no_background():
    images = [image(0), image(1, pixels="p0"), image(2, "dog")]
    assert concept_backgrounds(images, table_of(images, vectors_of(3)), 0.5) == {}


def test_many_images_are_sampled_the_same_way_each_time_and_near_the_truth(monkeypatch):
    monkeypatch.setattr(dedupe_background, "MOST_IMAGES", 50)
    monkeypatch.setattr(dedupe_background, "SAMPLED_PAIRS", 20_000)
    images = [image(n) for n in range(120)]
    table = table_of(images, vectors_of(120, dim=8))
    found = concept_backgrounds(images, table, 0.9)["cat"]
    assert found == concept_backgrounds(images[::-1], table, 0.9)["cat"]
    low, high = (naive_quantile(table.vectors, share) for share in (0.885, 0.915))
    assert low < found < high
