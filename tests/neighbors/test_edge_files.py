import numpy as np
import pytest

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.errors import ChecksumError, WorkspaceError
from isekai_gen.neighbors.edge_files import read_edges, write_edges
from isekai_gen.neighbors.edges import EdgeList, find_edges


@pytest.fixture
def edges():
    vectors = normalized(np.random.default_rng(1).normal(size=(30, 8)))
    return find_edges(EmbeddingTable(tuple(f"{n:02x}" for n in range(30)), vectors, "tiny"), 0.2)


def test_what_is_read_is_what_was_written_bit_for_bit(tmp_path, edges):
    path = tmp_path / "edges" / "tiny" / "all.parquet"
    write_edges(path, edges)
    back = read_edges(path)
    assert (back.first, back.second) == (edges.first, edges.second)
    assert back.similarity.tobytes() == edges.similarity.tobytes()
    assert (back.floor, back.complete, back.encoder) == (0.2, True, "tiny")


def test_an_empty_and_an_incomplete_list_survive(tmp_path):
    nothing = EdgeList((), (), np.zeros(0), 0.9, False, "a/b")
    write_edges(tmp_path / "none.parquet", nothing)
    back = read_edges(tmp_path / "none.parquet")
    assert (len(back), back.complete, back.encoder, back.floor) == (0, False, "a/b", 0.9)


def test_the_same_edges_are_the_same_bytes(tmp_path, edges):
    write_edges(tmp_path / "one.parquet", edges)
    write_edges(tmp_path / "two.parquet", read_edges(tmp_path / "one.parquet"))
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_other_tools_read_the_three_columns(tmp_path, edges):
    import pyarrow.parquet as pq

    write_edges(tmp_path / "one.parquet", edges)
    table = pq.read_table(tmp_path / "one.parquet")
    assert table.column_names == ["image_id_a", "image_id_b", "similarity"]


def test_a_missing_file_says_what_to_run(tmp_path):
    with pytest.raises(WorkspaceError, match="run isekai-gen dedupe"):
        read_edges(tmp_path / "none.parquet")


def test_a_truncated_file_is_damaged_and_a_foreign_one_is_named(tmp_path, edges):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "one.parquet"
    write_edges(path, edges)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ChecksumError, match=r"one\.parquet is no edge list"):
        read_edges(path)
    pq.write_table(pa.table({"image_id_a": ["x"]}), path)
    with pytest.raises(ChecksumError, match=r"one\.parquet is no edge list"):
        read_edges(path)
