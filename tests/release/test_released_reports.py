"""Neighbor tables, reports and embeddings as a release has them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.errors import ReleaseError
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.building.neighbor_files import neighbor_rows, write_neighbors
from isekai_gen.release.building.vectors import write_vectors

TABLES = ["nearest.csv", "nearest.jsonl", "rank-stratified.csv", "rank-stratified.jsonl"]


@pytest.fixture
def draft(tmp_path):
    (tmp_path / "draft").mkdir()
    return ReleaseDraft(tmp_path / "draft")


def test_neighbor_tables_are_copied_byte_for_byte(small, draft):
    written = write_neighbors(draft, small.workspace)
    assert written == [f"neighbors/{name}" for name in TABLES]
    assert [listed.path for listed in draft.listed()] == written
    for path in written:
        source = small.workspace.neighbors / path.removeprefix("neighbors/")
        assert (draft.folder / path).read_bytes() == source.read_bytes()


def test_the_rows_of_both_tables_come_nearest_first(small):
    rows = list(neighbor_rows(small.workspace))
    assert [row["table"] for row in rows] == ["nearest"] * 8 + ["rank-stratified"] * 8
    assert {row["concept"] for row in rows} == {c.slug for c in small.content.concepts}


def test_without_tables_there_are_none(small, draft):
    for path in small.workspace.neighbors.iterdir():
        path.unlink()
    assert write_neighbors(draft, small.workspace) == []
    assert list(neighbor_rows(small.workspace)) == []


def test_a_missing_table_is_named(small, draft):
    (small.workspace.neighbors / "rank-stratified.csv").unlink()
    with pytest.raises(ReleaseError, match=r"rank-stratified\.csv is missing"):
        write_neighbors(draft, small.workspace)


def table_of(content):
    ids = tuple(reversed([*content.kept, *content.dropped]))
    vectors = normalized(np.random.default_rng(0).normal(size=(len(ids), 8)))
    return EmbeddingTable(ids, vectors, "tiny")


def test_embeddings_are_a_plain_matrix_whose_rows_the_ids_name(small, draft):
    table = table_of(small.content)
    write_vectors(draft, replace(small.content, vectors=table))
    matrix = np.load(draft.folder / "embeddings/images.npy", allow_pickle=False)
    lines = (draft.folder / "embeddings/images.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert matrix.dtype == np.float32
    assert [row["id"] for row in rows] == sorted(table.ids)
    assert {row["id"] for row in rows if row["kept"]} == set(small.content.kept)
    for row, vector in zip(rows, matrix, strict=True):
        assert np.array_equal(vector, table.vectors[table.ids.index(row["id"])])


def test_without_embeddings_no_file_is_written(small, draft):
    write_vectors(draft, small.content)
    assert draft.listed() == []


def test_similarities_are_compared_again_without_any_model_library():
    blocked = ("torch", "diffusers", "transformers", "open_clip", "scipy", "faiss")
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({blocked!r}))\n"
        "import numpy as np\n"
        "import isekai_gen.release.splits, isekai_gen.release.building.lcl_files\n"
        "import isekai_gen.release.building.vectors\n"
        "from isekai_gen.neighbors.similarity import pair_similarities\n"
        "row = np.array([[0.6, 0.8]], dtype=np.float32)\n"
        "print(pair_similarities(row, row)[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1.0\n", "")
