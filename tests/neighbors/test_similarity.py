import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.embeddings import normalized
from isekai_gen.neighbors.similarity import (
    float32_below,
    float32_margin,
    indexed_similarities,
    pair_similarities,
    unit_rows,
)


def random_units(seed, n, d):
    return normalized(np.random.default_rng(seed).normal(size=(n, d)))


def exact_cosine(a, b):
    a, b = [float(x) for x in a], [float(x) for x in b]
    dot = math.fsum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b))


@given(st.integers(0, 2**32), st.integers(1, 70))
def test_agrees_with_an_exactly_summed_cosine(seed, d):
    left, right = random_units(seed, 5, d), random_units(seed + 1, 5, d)
    expected = [exact_cosine(a, b) for a, b in zip(left, right, strict=True)]
    assert pair_similarities(left, right) == pytest.approx(expected, abs=1e-14)


@given(st.integers(0, 2**32), st.integers(1, 70))
def test_swapping_the_sides_gives_the_same_bits(seed, d):
    left, right = random_units(seed, 7, d), random_units(seed + 1, 7, d)
    assert np.array_equal(pair_similarities(left, right), pair_similarities(right, left))


@given(st.integers(0, 2**32), st.integers(1, 70))
def test_equal_rows_score_exactly_one(seed, d):
    rows = random_units(seed, 7, d)
    assert np.array_equal(pair_similarities(rows, rows), np.ones(7))


def test_a_pair_scores_the_same_bits_in_any_company(monkeypatch):
    rows = random_units(3, 50, 33)
    i, j = (part.astype(np.int64) for part in np.triu_indices(50, 1))
    together = indexed_similarities(rows, i, rows, j)
    alone = [pair_similarities(rows[[a]], rows[[b]])[0] for a, b in zip(i, j, strict=True)]
    assert np.array_equal(together, alone)
    monkeypatch.setattr("isekai_gen.neighbors.similarity._CHUNK_NUMBERS", 100)
    assert np.array_equal(together, indexed_similarities(rows, i, rows, j))


@pytest.mark.parametrize("d", [1, 2, 17, 512, 1024])
def test_the_margin_covers_the_error_of_float32_products(d):
    rows = random_units(d, 40, d)
    # A stored row may be off unit length by up to a thousandth.
    stored = rows * np.float32(1.0009)
    units = unit_rows(stored)
    products = (units @ units.T).astype(np.float64)
    i, j = (part.ravel() for part in np.indices((40, 40)))
    exact = indexed_similarities(stored, i, stored, j).reshape(40, 40)
    assert np.abs(products - exact).max() <= float32_margin(d)


def test_the_margin_is_small_against_any_sensible_limit():
    assert 0 < float32_margin(1024) < 1e-4


@given(st.floats(-1, 1))
def test_a_lowered_bound_is_strictly_below_and_near(bound):
    low = float(float32_below(bound))
    assert bound - 2e-7 < low < bound


def test_sides_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        pair_similarities(random_units(0, 2, 3), random_units(0, 1, 3))
