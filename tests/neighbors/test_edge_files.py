import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.errors import ChecksumError, WorkspaceError
from isekai_gen.intervals import Interval
from isekai_gen.neighbors.edge_files import (
    joined_edges,
    joined_recall,
    read_covered,
    read_edges,
    write_covered,
    write_edges,
)
from isekai_gen.neighbors.edges import EdgeList, find_edges
from isekai_gen.neighbors.pairs import joined_pairs
from isekai_gen.neighbors.search import SearchOptions, SearchReport

EXACT = SearchReport("exact", "blocks", "asked for", 0)


@pytest.fixture
def edges():
    vectors = normalized(np.random.default_rng(1).normal(size=(30, 8)))
    table = EmbeddingTable(tuple(f"{n:02x}" for n in range(30)), vectors, "tiny")
    return find_edges(table, SearchOptions(floor=0.2))[0]


def test_what_is_read_is_what_was_written_bit_for_bit(tmp_path, edges):
    path = tmp_path / "edges" / "tiny" / "part-00000.parquet"
    write_edges(path, edges, EXACT)
    back, report = read_edges(path, edges.ids)
    for name in ("row_a", "row_b", "similarity"):
        assert getattr(back.pairs, name).tobytes() == getattr(edges.pairs, name).tobytes()
    assert (back.ids, back.floor, back.complete, back.encoder) == (edges.ids, 0.2, True, "tiny")
    assert report == EXACT


def test_pairs_of_images_that_are_gone_are_left_out(tmp_path, edges):
    write_edges(tmp_path / "one.parquet", edges, EXACT)
    some = edges.ids[::2]
    back, _ = read_edges(tmp_path / "one.parquet", some)
    wanted = edges.select(some)
    assert back.pairs.row_a.tolist() == wanted.pairs.row_a.tolist()
    assert back.pairs.similarity.tobytes() == wanted.pairs.similarity.tobytes()
    assert 0 < len(back) < len(edges)


def test_an_approximate_list_keeps_its_measured_recall(tmp_path):
    recall = Interval(0.98, 0.97, 0.99)
    nothing = EdgeList((), joined_pairs([]), 0.9, "a/b", recall)
    report = SearchReport("approximate", "ivf", "asked for", 0, recall=recall, min_recall=0.95)
    write_edges(tmp_path / "none.parquet", nothing, report)
    back, said = read_edges(tmp_path / "none.parquet", ())
    assert (len(back), back.complete, back.recall, back.floor) == (0, False, recall, 0.9)
    assert said == report


def test_the_same_edges_are_the_same_bytes(tmp_path, edges):
    write_edges(tmp_path / "one.parquet", edges, EXACT)
    write_edges(tmp_path / "two.parquet", *read_edges(tmp_path / "one.parquet", edges.ids))
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_other_tools_read_the_three_columns(tmp_path, edges):
    import pyarrow.parquet as pq

    write_edges(tmp_path / "one.parquet", edges, EXACT)
    table = pq.read_table(tmp_path / "one.parquet")
    assert table.column_names == ["image_id_a", "image_id_b", "similarity"]
    assert str(table.schema.field("similarity").type) == "float"
    first, second = table["image_id_a"].to_pylist(), table["image_id_b"].to_pylist()
    assert all(a < b for a, b in zip(first, second, strict=True))


def test_covered_images_survive_with_those_no_longer_covered(tmp_path):
    covered = {"aa": bytes(range(16)), "bb": None}
    write_covered(tmp_path / "images.parquet", covered)
    assert read_covered(tmp_path / "images.parquet") == covered


def test_a_missing_file_says_what_to_run(tmp_path):
    with pytest.raises(WorkspaceError, match="run isekai-gen dedupe"):
        read_edges(tmp_path / "none.parquet", ())
    with pytest.raises(WorkspaceError, match="run isekai-gen dedupe"):
        read_covered(tmp_path / "none.parquet")


def test_a_truncated_file_is_damaged_and_a_foreign_one_is_named(tmp_path, edges):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "one.parquet"
    write_edges(path, edges, EXACT)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ChecksumError, match=r"one\.parquet is no edge list"):
        read_edges(path, edges.ids)
    pq.write_table(pa.table({"image_id_a": ["x"]}), path)
    for read in (lambda: read_edges(path, edges.ids), lambda: read_covered(path)):
        with pytest.raises(ChecksumError, match=r"one\.parquet is no edge list"):
            read()


def test_joined_parts_list_each_pair_once_and_none_below_the_floor(edges):
    joined = joined_edges([edges, edges], 0.5)
    reached = edges.pairs.similarity.astype(np.float64) >= 0.5
    assert joined.pairs.similarity.tobytes() == edges.pairs.similarity[reached].tobytes()
    assert (joined.floor, joined.complete) == (0.5, True)
    assert 0 < len(joined) < len(edges)


def test_complete_parts_are_complete_together():
    assert joined_recall([(None, 3), (None, 0)]) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), min_size=1, max_size=5
    )
)
def test_the_joined_interval_holds_the_true_recall_if_every_part_s_does(parts):
    """Each part found some of its pairs, and its interval is as narrow as can be."""
    searches = []
    for found, missed, complete in parts:
        share = 1.0 if complete or not found + missed else found / (found + missed)
        recall = None if complete else Interval(share, max(0, share - 0.01), min(1, share + 0.01))
        searches.append((recall, found))
    joined = joined_recall(searches)
    found = sum(part[0] for part in parts)
    missed = sum(part[1] for part in parts if not part[2])
    if joined is None or not found + missed:
        return
    assert joined.low <= found / (found + missed) <= joined.high
    assert joined.low <= joined.estimate <= joined.high
