import numpy as np
import pytest

from isekai_gen.neighbors.approximate_places import Places
from isekai_gen.neighbors.approximate_rows import ShortRows, short_rows
from isekai_gen.neighbors.rounding import RoundedRows
from isekai_gen.neighbors.vectors import ArrayVectors
from tests.neighbors.approximate_rows import rows


@pytest.fixture(scope="module")
def made():
    return short_rows(ArrayVectors(rows(3000, 60)), "cpu")


def test_rows_that_are_made_are_those_that_would_be_held(made):
    every = next(made.blocks(3000))[1]
    held = ShortRows(made.vectors, "cpu", RoundedRows(every.matrix, every.moved))
    some = np.array([7, 2999, 7, 0])
    assert made.chosen(some).matrix.equal(held.chosen(some).matrix)
    pairs = list(zip(made.blocks(700), held.blocks(700), strict=True))
    assert [start for (start, _), _ in pairs] == [0, 700, 1400, 2100, 2800]
    assert all(one[1].matrix.equal(other[1].matrix) for one, other in pairs)


def test_matrices_of_any_size_come_in_few_shapes(made):
    sizes = {len(made.filled_up(np.arange(count)).matrix) for count in range(1, 2049, 67)}
    assert 12 < len(sizes) <= 16
    for count in (1, 64, 65, 511, 700, 1025):
        filled = made.filled_up(np.arange(count)).matrix
        assert count <= len(filled) < 1.25 * count + 64
        assert filled[count:].equal(filled[:1].expand(len(filled) - count, -1))


def test_a_cell_has_the_rows_of_all_groups():
    first = np.array([4, 1, 2], dtype=np.int32), np.array([0, 1, 3])
    second = np.array([9, 7], dtype=np.int32), np.array([0, 2, 2])
    groups, ends = zip(first, second, strict=True)
    places = Places(list(groups), list(ends))
    assert places.of(0).tolist() == [4, 9, 7]
    assert places.of(1).tolist() == [1, 2]
    assert places.sizes.tolist() == [3, 2]
