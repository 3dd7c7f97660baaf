import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.intervals import Interval
from isekai_gen.neighbors.edges import EdgeList, find_edges
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.search import SearchOptions
from isekai_gen.neighbors.similarity import pair_similarities
from tests.neighbors.searches import FLOORS, matrices


def table_of(rows, order=None):
    ids = tuple(f"{number:04x}" for number in range(len(rows)))
    table = EmbeddingTable(ids, rows, "tiny")
    return table if order is None else table.select(order)


def by_id(edges):
    return [
        (edges.ids[a], edges.ids[b], similarity)
        for a, b, similarity in zip(
            edges.pairs.row_a, edges.pairs.row_b, edges.pairs.similarity.tolist(), strict=True
        )
    ]


@given(matrices(), st.sampled_from(FLOORS), st.randoms())
def test_the_order_of_the_rows_changes_no_bit(rows, floor, random):
    ids = [f"{number:04x}" for number in range(len(rows))]
    expected, _ = find_edges(table_of(rows), SearchOptions(floor))
    random.shuffle(ids)
    found, report = find_edges(table_of(rows, ids), SearchOptions(floor))
    assert by_id(found) == by_id(expected)
    assert found.complete
    assert report.complete


def test_a_pair_exactly_at_the_floor_is_listed_and_just_below_is_not():
    rows = np.array([[1, 0], [0.8, 0.6]], dtype=np.float32)
    stored = float(np.float32(pair_similarities(rows[:1], rows[1:])[0]))
    assert len(find_edges(table_of(rows), SearchOptions(stored))[0]) == 1
    assert len(find_edges(table_of(rows), SearchOptions(math.nextafter(stored, 2)))[0]) == 0


@pytest.mark.parametrize("floor", [math.nan, math.inf, 1.5, -1.01])
def test_a_floor_that_is_no_similarity_is_refused(floor):
    with pytest.raises(ValueError, match="similarity in"):
        find_edges(table_of(np.eye(2, dtype=np.float32)), SearchOptions(floor))


@given(matrices(), st.sets(st.integers(0, 15)))
def test_selected_edges_are_those_of_the_selected_images(rows, chosen):
    edges, _ = find_edges(table_of(rows), SearchOptions(0.0))
    ids = {f"{number:04x}" for number in chosen}
    selected = edges.select(ids)
    assert set(selected.ids) == ids & set(edges.ids)
    assert by_id(selected) == [edge for edge in by_id(edges) if edge[0] in ids and edge[1] in ids]


def pairs(*rows):
    a, b, similarity = zip(*rows, strict=True)
    return PairList(np.array(a), np.array(b), np.array(similarity, dtype=np.float32))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(1, 0, 0.9)], "ascending"),
        ([(0, 0, 0.9)], "ascending"),
        ([(0, 3, 0.9)], "not there"),
        ([(0, 1, 0.4)], "outside"),
        ([(0, 1, 1.5)], "outside"),
    ],
)
def test_edges_that_break_their_promise_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        EdgeList(("a", "b", "c"), pairs(*rows), 0.5, "tiny")


def test_ids_must_ascend_and_pairs_be_sorted():
    with pytest.raises(ValueError, match="ids must ascend"):
        EdgeList(("b", "a"), pairs((0, 1, 0.9)), 0.5, "tiny")
    with pytest.raises(ValueError, match="sorted"):
        pairs((0, 2, 0.9), (0, 1, 0.9))


def test_edges_with_a_measured_recall_are_not_complete():
    edges = EdgeList(("a", "b"), pairs((0, 1, 0.9)), 0.5, "tiny", Interval(0.99, 0.98, 1.0))
    assert not edges.complete
