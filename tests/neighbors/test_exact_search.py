import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.embeddings import normalized
from isekai_gen.errors import InputError
from isekai_gen.neighbors import blocks
from isekai_gen.neighbors.bands import BandFolder
from isekai_gen.neighbors.engines import SearchShape, choose_engine
from isekai_gen.neighbors.exact import prepare_search
from isekai_gen.neighbors.exact_run import run_search
from isekai_gen.neighbors.portions import PortionSizes
from isekai_gen.neighbors.rounding import product_margin, rounded_rows
from isekai_gen.neighbors.search import SearchOptions, search_pairs
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.neighbors.vectors import ArrayVectors
from tests.neighbors.searches import (
    ENGINES,
    FLOORS,
    by_numpy,
    listed,
    matrices,
    naive_pairs,
    search,
)


def found(searching, bands=None, max_pairs=10**6):
    return run_search(searching, max_pairs, bands, lambda _: None)


def clustered(count, dimensions=96, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(max(1, count // 10), dimensions))
    rows = centers[rng.integers(0, len(centers), count)]
    spread = rng.choice([0.01, 0.1, 0.5], size=(count, 1))
    return normalized(rows + spread * rng.normal(size=(count, dimensions)))


@pytest.mark.parametrize("engine", ENGINES)
@given(rows=matrices(), floor=st.sampled_from(FLOORS), band_rows=st.integers(1, 5))
@settings(max_examples=60, deadline=None)  # a GPU compiles at its first example
def test_lists_exactly_the_pairs_of_a_full_table(engine, rows, floor, band_rows):
    assert listed(found(search(engine, rows, None, floor, band_rows))) == naive_pairs(
        rows, None, floor
    )


@pytest.mark.parametrize("engine", ENGINES)
@given(left=matrices(dimensions=3), right=matrices(dimensions=3), floor=st.sampled_from(FLOORS))
@settings(max_examples=60, deadline=None)  # a GPU compiles at its first example
def test_between_two_matrices_too(engine, left, right, floor):
    assert listed(found(search(engine, left, right, floor))) == naive_pairs(left, right, floor)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("floor", [-0.2, 0.3, 0.95, 0.999])
def test_clusters_over_many_tiles_are_found_to_the_bit(engine, floor, monkeypatch):
    monkeypatch.setattr(blocks, "TILE_ROWS", 32)
    monkeypatch.setattr(blocks, "_TILE_COLUMNS", 48)
    rows, others = clustered(300), clustered(170, seed=1)
    others[:20] = rows[:20]
    for right in (None, others):
        expected = naive_pairs(rows, right, floor)
        assert listed(found(search(engine, rows, right, floor, band_rows=64))) == expected
        assert expected or floor > 0.9


@pytest.mark.parametrize("engine", ENGINES)
def test_one_large_coordinate_as_encoders_give_hides_no_pair(engine):
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(200, 64))
    rows[:, 7] += 40 * rng.choice([0.9, 1.1], size=200)
    rows[100:] = rows[:100] + 0.05 * rng.normal(size=(100, 64))
    rows = normalized(rows)
    for floor in (0.99, 0.9999):
        assert listed(found(search(engine, rows, None, floor))) == naive_pairs(rows, None, floor)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 7, 64, 513]))
@settings(max_examples=30, deadline=None)
def test_no_product_lies_further_from_the_similarity_than_the_margin(seed, dimensions):
    import torch

    rng = np.random.default_rng(seed)
    rows = rng.standard_cauchy(size=(40, dimensions)).astype(np.float32)
    exact = pair_similarities(rows[:20], rows[20:])
    for dtype in (torch.bfloat16, torch.float32):
        rounded = rounded_rows(ArrayVectors(rows), dtype, "cpu")
        products = (rounded.matrix[:20].double() * rounded.matrix[20:].double()).sum(dim=1)
        assert np.abs(products.numpy() - exact).max() <= product_margin(rounded, rounded)


def test_rows_need_no_unit_length():
    rows = clustered(60)
    long = rows * np.random.default_rng(0).uniform(0.01, 100, size=(60, 1)).astype(np.float32)
    pairs, _ = search_pairs(ArrayVectors(long), SearchOptions(0.5))
    expected, _ = search_pairs(ArrayVectors(rows), SearchOptions(0.5))
    assert pairs.row_b.tolist() == expected.row_b.tolist()
    assert np.allclose(pairs.similarity, expected.similarity, atol=1e-6)


def test_finished_bands_are_not_searched_again(tmp_path):
    rows = clustered(100)
    bands = BandFolder(tmp_path, "inputs", band_rows=16)

    def searching():
        return search(by_numpy, rows, None, 0.5, band_rows=16)

    expected = listed(found(searching(), bands))
    files = sorted(tmp_path.glob("band-*"))
    assert len(files) == 7
    again = searching()
    assert listed(found(again, bands)) == expected
    assert again.counts["candidates"] == 0
    files[2].unlink()
    files[4].write_bytes(files[4].read_bytes()[:-9])
    some = searching()
    assert listed(found(some, bands)) == expected
    assert some.counts["candidates"] > 0


@pytest.mark.parametrize("engine", ENGINES)
@given(
    left=matrices(max_rows=24, dimensions=3),
    right=st.none() | matrices(dimensions=3),
    floor=st.sampled_from(FLOORS),
    held=st.tuples(st.integers(1, 4), st.integers(1, 9)),
)
@settings(max_examples=40, deadline=None)
def test_rows_held_in_portions_give_the_same_pairs(engine, left, right, floor, held):
    sizes = PortionSizes(4 * held[0], held[1])
    found_so = found(search(engine, left, right, floor, band_rows=4, sizes=sizes))
    assert listed(found_so) == naive_pairs(left, right, floor)


@pytest.mark.parametrize("right", [None, clustered(70, seed=2)], ids=["within", "between"])
@given(makers=st.lists(st.sampled_from(range(len(ENGINES))), min_size=7, max_size=7))
@settings(max_examples=15, deadline=None)
def test_bands_found_by_different_engines_add_up(right, makers, tmp_path_factory):
    rows, bands = clustered(100), BandFolder(tmp_path_factory.mktemp("bands"), "inputs", 16)
    for number, maker in enumerate(makers):
        one = search(ENGINES[maker].values[0], rows, right, 0.3, band_rows=16)
        run_search(one, 10**6, bands, lambda _: None, [16 * number])
    last = search(by_numpy, rows, right, 0.3, band_rows=16)
    assert listed(found(last, bands)) == naive_pairs(rows, right, 0.3)
    assert last.counts["candidates"] == 0


def test_bands_of_other_vectors_or_floors_are_not_taken(tmp_path):
    rows = ArrayVectors(clustered(50))
    found(prepare_search(rows, None, 0.2, "cpu"), BandFolder(tmp_path, "inputs"))
    other = ArrayVectors(clustered(50, seed=9))
    expected = listed(found(prepare_search(other, None, 0.2, "cpu")))
    assert listed(found(prepare_search(other, None, 0.2, "cpu"), BandFolder(tmp_path, "x"))) == (
        expected
    )
    higher = prepare_search(rows, None, 0.6, "cpu")
    assert listed(found(higher, BandFolder(tmp_path, "inputs"))) == naive_pairs(
        rows.array, None, 0.6
    )


def test_more_pairs_than_allowed_are_refused_with_a_remedy():
    rows = ArrayVectors(np.ones((6, 3), dtype=np.float32))
    assert len(search_pairs(rows, SearchOptions(0.5, max_pairs=15))[0]) == 15
    with pytest.raises(InputError, match=r"over 14 pairs of 6 rows.*higher floor or limit"):
        search_pairs(rows, SearchOptions(0.5, max_pairs=14))


def test_matrices_of_other_dimensions_are_refused():
    with pytest.raises(InputError, match="2 and of 3 dimensions"):
        search_pairs(
            ArrayVectors(np.ones((2, 2), dtype=np.float32)),
            SearchOptions(0.5),
            against=ArrayVectors(np.ones((2, 3), dtype=np.float32)),
        )


def test_the_report_says_what_was_done():
    rows = ArrayVectors(clustered(40))
    told = []
    pairs, report = search_pairs(rows, SearchOptions(0.4), advance=told.append)
    assert sum(told) == 40
    assert report.complete
    assert report.recall is None
    assert report.candidates >= len(pairs)
    assert set(report.seconds) == {"prepare", "propose", "score"}


def test_large_searches_leave_numpy_for_torch(monkeypatch):
    assert "numpy" in choose_engine(SearchShape(40, 40, 96), 0.5, "cpu").name
    monkeypatch.setattr("isekai_gen.neighbors.small._MOST_MULTIPLICATIONS", 10.0)
    assert "cpu" in choose_engine(SearchShape(40, 40, 96), 0.5, "cpu").name
