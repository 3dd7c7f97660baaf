import numpy as np
import pytest

from isekai_gen.embeddings import normalized
from isekai_gen.errors import InputError
from isekai_gen.neighbors import nearest_blocks
from isekai_gen.neighbors.nearest import search_nearest
from isekai_gen.neighbors.similarity import indexed_similarities
from isekai_gen.neighbors.vectors import ArrayVectors
from tests.neighbors.searches import has_cuda

DEVICES = ["cpu", *([pytest.param("cuda:0", marks=pytest.mark.gpu)] if has_cuda() else [])]


def matrices(seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(12, 40))
    rows = centers[rng.integers(0, 12, 150)] + 0.3 * rng.normal(size=(150, 40))
    others = centers[rng.integers(0, 12, 230)] + 0.3 * rng.normal(size=(230, 40))
    others[::9] = others[1::9][: len(others[::9])]  # equal references: ties
    others[:5] = rows[:5]
    return normalized(rows), normalized(others)


def naive(rows, others, k, floor):
    i, j = (grid.ravel() for grid in np.indices((len(rows), len(others))))
    table = indexed_similarities(rows, i, others, j).reshape(len(rows), len(others))
    nearest = np.argsort(-table, axis=1, kind="stable")[:, :k]
    above = np.nonzero(table.astype(np.float32).astype(np.float64) >= floor)
    return nearest, np.take_along_axis(table, nearest, axis=1), above


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("by_torch", [False, True])
@pytest.mark.parametrize(("k", "floor"), [(1, 2.0), (10, 0.9), (230, 0.99), (3, -1.0)])
def test_equals_a_full_sort_to_the_bit(device, by_torch, k, floor, monkeypatch):
    if by_torch:
        monkeypatch.setattr("isekai_gen.neighbors.small._MOST_MULTIPLICATIONS", 0.0)
        monkeypatch.setattr(nearest_blocks, "_COLUMNS", 32)
        monkeypatch.setattr(nearest_blocks, "BAND_ROWS", 64)
    rows, others = matrices()
    told = []
    found = search_nearest(
        ArrayVectors(rows), ArrayVectors(others), k, floor, device=device, advance=told.append
    )
    nearest, similarities, above = naive(rows, others, k, floor)
    assert np.array_equal(found.rows, nearest)
    assert np.array_equal(found.similarities, similarities)
    assert np.array_equal(np.stack([found.pairs.row_a, found.pairs.row_b]), above)
    assert sum(told) == len(rows)


def test_what_cannot_be_compared_is_refused():
    rows, others = matrices()
    with pytest.raises(InputError, match="40 dimensions, references 39"):
        search_nearest(ArrayVectors(rows), ArrayVectors(others[:, :39]), 1)
    for k in (0, 231):
        with pytest.raises(ValueError, match=r"1\.\.230"):
            search_nearest(ArrayVectors(rows), ArrayVectors(others), k)
