import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.errors import InputError
from isekai_gen.neighbors import nearest
from isekai_gen.neighbors.nearest import nearest_rows, search_nearest
from isekai_gen.neighbors.portions import PortionSizes
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.neighbors.vectors import ArrayVectors
from tests.neighbors.searches import listed


def table_of(rows, prefix, encoder="tiny"):
    ids = tuple(f"{prefix}{number:03d}" for number in range(len(rows)))
    return EmbeddingTable(ids, normalized(rows), encoder)


ROWS = st.lists(
    st.lists(st.integers(-2, 2), min_size=3, max_size=3).filter(any), min_size=1, max_size=12
)


def naive(queries, references, k):
    rows, scores = [], []
    for vector in queries.vectors:
        repeated = np.repeat(vector[None], len(references), axis=0)
        exact = pair_similarities(repeated, references.vectors).tolist()
        order = sorted(range(len(references)), key=lambda r: (-exact[r], references.ids[r]))[:k]
        rows.append(order)
        scores.append([exact[r] for r in order])
    return rows, scores


@given(ROWS, ROWS, st.integers(1, 12), st.randoms())
def test_equals_a_full_sort_whatever_the_order_of_references(query_rows, rows, k, random):
    queries, references = table_of(query_rows, "q"), table_of(rows, "r")
    shuffled = list(references.ids)
    random.shuffle(shuffled)
    references = references.select(shuffled)
    k = min(k, len(references))
    found, scores = nearest_rows(queries, references, k)
    assert (found.tolist(), scores.tolist()) == naive(queries, references, k)
    assert (found.dtype, scores.dtype) == (np.int64, np.float64)


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(2)
    queries, references = table_of(rng.normal(size=(40, 64)), "q"), table_of(np.eye(64), "r")
    rows, scores = nearest_rows(queries, references, 5)
    monkeypatch.setattr("isekai_gen.neighbors.small_nearest._BLOCK_NUMBERS", 64 * 3)
    again, scores_again = nearest_rows(queries, references, 5)
    assert np.array_equal(rows, again)
    assert np.array_equal(scores, scores_again)


@given(ROWS, ROWS, st.integers(1, 12), st.integers(1, 6), st.integers(1, 6))
def test_portions_change_nothing(query_rows, rows, k, left, right):
    queries, references = (ArrayVectors(normalized(one)) for one in (query_rows, rows))
    k, told = min(k, len(rows)), []
    whole = search_nearest(queries, references, k, 0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "portion_sizes", lambda *_: PortionSizes(left, right))
        found = search_nearest(queries, references, k, 0.5, advance=told.append)
    assert found.rows.tolist() == whole.rows.tolist()
    assert found.similarities.tolist() == whole.similarities.tolist()
    assert listed(found.pairs) == listed(whole.pairs)
    assert sum(told) == len(query_rows)


def test_references_that_float32_cannot_tell_apart_are_ranked_exactly():
    rng = np.random.default_rng(3)
    base = rng.normal(size=512)
    references = table_of(base + 1e-6 * rng.normal(size=(50, 512)), "r")
    queries = table_of(base[None], "q")
    rows, scores = nearest_rows(queries, references, 10)
    assert (rows.tolist(), scores.tolist()) == naive(queries, references, 10)


def test_equal_references_come_in_order_of_their_ids():
    references = table_of(np.ones((4, 2)), "r").select(["r002", "r000", "r003", "r001"])
    rows, _ = nearest_rows(table_of(np.ones((1, 2)), "q"), references, 3)
    assert [references.ids[row] for row in rows[0]] == ["r000", "r001", "r002"]


def test_no_queries_have_no_neighbors():
    rows, scores = nearest_rows(table_of(np.zeros((0, 2)), "q"), table_of(np.eye(2), "r"), 2)
    assert rows.shape == scores.shape == (0, 2)


def test_tables_that_cannot_be_compared_are_refused():
    queries, references = table_of(np.eye(2), "q"), table_of(np.eye(2), "r")
    with pytest.raises(ValueError, match=r"'tiny'.*'other'"):
        nearest_rows(queries, table_of(np.eye(2), "r", encoder="other"), 1)
    with pytest.raises(InputError, match="dimensions"):
        nearest_rows(queries, table_of(np.eye(3), "r"), 1)
    for k in (0, 3):
        with pytest.raises(ValueError, match=r"k must be in 1\.\.2"):
            nearest_rows(queries, references, k)
