import math
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.errors import InputError, MissingDependencyError
from isekai_gen.neighbors.edges import EdgeList, find_edges
from isekai_gen.neighbors.similarity import pair_similarities

FLOORS = st.sampled_from([-1.0, -0.5, 0.0, 0.5, 0.7071067811865475, 0.9, 0.999, 1.0])


def pairs_of(edges):
    return list(zip(edges.first, edges.second, edges.similarity.tolist(), strict=True))


@st.composite
def tables(draw, max_rows=14):
    """Rows of small whole numbers, scaled: many ties, repeats, opposites and right angles."""
    d = draw(st.sampled_from([1, 2, 3, 8]))
    row = st.lists(st.integers(-2, 2), min_size=d, max_size=d).filter(any)
    rows = draw(st.lists(row, max_size=max_rows))
    ids = draw(st.permutations([f"{number:04x}" for number in range(len(rows))]))
    vectors = normalized(np.array(rows, dtype=float).reshape(len(rows), d))
    return EmbeddingTable(tuple(ids), vectors, "tiny")


def naive_edges(table, floor):
    vector_of = dict(zip(table.ids, table.vectors, strict=True))
    found = []
    for a, b in combinations(sorted(table.ids), 2):
        similarity = float(pair_similarities(vector_of[a][None], vector_of[b][None])[0])
        if similarity >= floor:
            found.append((a, b, similarity))
    return found


@given(tables(), FLOORS)
def test_lists_exactly_the_pairs_of_an_all_pairs_loop(table, floor):
    assert pairs_of(find_edges(table, floor)) == naive_edges(table, floor)


@given(tables(), FLOORS, st.integers(1, 5))
def test_block_size_changes_no_bit(table, floor, block_rows):
    expected = pairs_of(find_edges(table, floor))
    assert pairs_of(find_edges(table, floor, block_rows=block_rows)) == expected


@given(tables(), FLOORS, st.randoms())
def test_row_order_changes_no_bit(table, floor, random):
    shuffled = list(table.ids)
    random.shuffle(shuffled)
    assert pairs_of(find_edges(table.select(shuffled), floor)) == pairs_of(find_edges(table, floor))


@settings(deadline=None)
@given(tables(), FLOORS, st.integers(1, 30))
def test_faiss_gives_the_same_bits_as_blocks(table, floor, block_rows):
    pytest.importorskip("faiss")
    by_faiss = find_edges(table, floor, "faiss", block_rows=block_rows)
    assert pairs_of(by_faiss) == pairs_of(find_edges(table, floor))


def test_narrow_column_blocks_change_nothing(monkeypatch):
    vectors = normalized(np.random.default_rng(6).normal(size=(40, 4)))
    table = EmbeddingTable(tuple(f"{n:02x}" for n in range(40)), vectors, "tiny")
    expected = naive_edges(table, 0.3)
    monkeypatch.setattr("isekai_gen.neighbors.candidates._COLUMNS", 7)
    for block_rows in (1, 3, 16, 100):
        assert pairs_of(find_edges(table, 0.3, block_rows=block_rows)) == expected


def test_wide_rows_agree_across_searches_orders_and_blocks():
    pytest.importorskip("faiss")
    rng = np.random.default_rng(5)
    near = np.repeat(rng.normal(size=(60, 512)), 5, axis=0) + 0.3 * rng.normal(size=(300, 512))
    table = EmbeddingTable(tuple(f"{n:05x}" for n in range(300)), normalized(near), "wide")
    # A floor equal to a measured similarity: the pair right at it is listed everywhere.
    floor = float(np.median(find_edges(table, 0.9).similarity))
    expected = pairs_of(find_edges(table, floor))
    assert floor in [similarity for *_, similarity in expected]
    assert expected == naive_edges(table, floor)
    assert pairs_of(find_edges(table.select(table.ids[::-1]), floor, block_rows=7)) == expected
    assert pairs_of(find_edges(table, floor, "faiss", block_rows=64)) == expected


def test_floor_is_included_and_the_next_number_above_it_is_not():
    table = EmbeddingTable(("a", "b"), normalized([[1.0, 0.0], [0.6, 0.8]]), "tiny")
    measured = float(find_edges(table, 0.0).similarity[0])
    assert len(find_edges(table, measured)) == 1
    assert len(find_edges(table, math.nextafter(measured, 2))) == 0


@pytest.mark.parametrize("search", ["blocks", "faiss"])
@pytest.mark.parametrize("ids", [(), ("only",)])
def test_no_row_and_one_row_have_no_edges(ids, search):
    if search == "faiss":
        pytest.importorskip("faiss")
    table = EmbeddingTable(ids, normalized(np.ones((len(ids), 4))), "tiny")
    edges = find_edges(table, -1.0, search)
    assert (len(edges), edges.complete, edges.floor, edges.encoder) == (0, True, -1.0, "tiny")


def test_more_pairs_than_allowed_are_refused_with_a_remedy():
    table = EmbeddingTable(tuple("abcdef"), normalized(np.ones((6, 2))), "tiny")
    with pytest.raises(InputError, match=r"over 14 pairs of 6 images .* choose a higher floor"):
        find_edges(table, 0.5, max_edges=14)
    assert len(find_edges(table, 0.5, max_edges=15)) == 15


def test_missing_faiss_names_both_extras(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    table = EmbeddingTable(("a", "b"), normalized(np.eye(2)), "tiny")
    with pytest.raises(MissingDependencyError, match=r"isekai-gen\[cpu\].*isekai-gen\[gpu\]"):
        find_edges(table, 0.5, "faiss")


@pytest.mark.parametrize("floor", [float("nan"), 1.5, -1.01, float("inf")])
def test_a_floor_that_is_no_similarity_is_refused(floor):
    table = EmbeddingTable(("a",), normalized([[1.0]]), "tiny")
    with pytest.raises(ValueError, match="floor"):
        find_edges(table, floor)


def test_an_unknown_search_and_an_empty_block_are_refused():
    table = EmbeddingTable(("a",), normalized([[1.0]]), "tiny")
    with pytest.raises(ValueError, match="search must be one of"):
        find_edges(table, 0.5, "annoy")
    with pytest.raises(ValueError, match="block_rows"):
        find_edges(table, 0.5, block_rows=0)


@pytest.mark.parametrize(
    ("first", "second", "similarity", "complaint"),
    [
        (("b",), ("a",), [0.9], "ascending order"),
        (("a",), ("a",), [0.9], "ascending order"),
        (("a", "a"), ("c", "b"), [0.9, 0.9], "sorted"),
        (("a", "a"), ("b", "b"), [0.9, 0.9], "sorted"),
        (("a",), ("b",), [0.4], "outside"),
        (("a",), ("b",), [float("nan")], "outside"),
        (("a",), ("b",), [0.9, 0.8], "do not match"),
    ],
)
def test_a_malformed_edge_list_is_refused_at_birth(first, second, similarity, complaint):
    with pytest.raises(ValueError, match=complaint):
        EdgeList(first, second, np.array(similarity), 0.5, True, "tiny")
