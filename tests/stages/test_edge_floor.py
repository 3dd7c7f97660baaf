"""Down to where pairs are listed."""

import numpy as np
import pytest

from isekai_gen.embeddings import normalized
from isekai_gen.stages import edge_floor
from isekai_gen.stages.edge_floor import listing_floor


def crowd(count, spread):
    """Points around one direction: the narrower, the more alike."""
    noise = np.random.default_rng(1).normal(size=(count, 16))
    return normalized(np.eye(1, 16) + spread * noise)


@pytest.mark.parametrize(
    ("limit", "highest", "floor"),
    [(0.95, 0.92, 0.85), (0.99, 0.92, 0.85), (0.9, 0.87, 0.8), (0.9, 0.75, 0.75), (-1, -1, -1)],
)
def test_few_images_are_listed_as_far_as_another_limit_may_want(limit, highest, floor):
    assert listing_floor(crowd(30, 0.1), limit, highest) == pytest.approx(floor)


def test_the_floor_rises_where_too_many_pairs_would_be_listed(monkeypatch):
    monkeypatch.setattr(edge_floor, "_MANY_PAIRS", 2_000)
    vectors = crowd(400, 0.15)
    floor = listing_floor(vectors, 0.95, 0.94)
    assert 0.85 < floor <= 0.94
    products = vectors @ vectors.T
    listed = int((products[np.triu_indices(400, 1)] >= floor).sum())
    step_lower = floor - (0.94 - 0.85) / 5
    before = int((products[np.triu_indices(400, 1)] >= step_lower).sum())
    assert listed <= 2_000 < before


def test_it_never_rises_above_what_serves_the_limits(monkeypatch):
    monkeypatch.setattr(edge_floor, "_MANY_PAIRS", 10)
    assert listing_floor(crowd(200, 0.001), 0.95, 0.92) == 0.92


def test_a_sample_of_rows_tells_much_the_same_as_all(monkeypatch):
    vectors = crowd(600, 0.1)
    floors = np.array([0.8, 0.9])
    exact = edge_floor._estimated_pairs(vectors, floors)
    monkeypatch.setattr(edge_floor, "_SAMPLE_ROWS", 150)
    assert edge_floor._estimated_pairs(vectors, floors) == pytest.approx(exact, rel=0.2)


def test_all_rows_together_count_every_pair_once():
    vectors = crowd(300, 0.1)
    floors = np.array([0.8, 0.9])
    products = (vectors @ vectors.T)[np.triu_indices(300, 1)]
    counted = [(products >= floor).sum() for floor in floors]
    assert edge_floor._estimated_pairs(vectors, floors) == pytest.approx(counted, abs=1)
