"""Tables of classes among themselves, and how they come to disk."""

import csv

import numpy as np
import pyarrow.parquet  # noqa: TID253 - the tests read what was written
import pytest

from isekai_gen.embeddings import normalized
from isekai_gen.errors import InputError
from isekai_gen.manifests import neighbor_tables_files
from isekai_gen.manifests.neighbor_tables import TableSize
from isekai_gen.manifests.neighbor_tables_classes import CLASS_TABLE_FILES, write_class_tables
from isekai_gen.neighbors.class_features import ClassFeatures
from isekai_gen.neighbors.class_ranks import ranked_classes
from isekai_gen.neighbors.image_classes import ImageClass
from isekai_gen.shards import read_lines


def features_of(count):
    vectors = normalized(np.random.default_rng(5).normal(size=(count, 8)))
    classes = [ImageClass(f"n{n:08d}", f"class {n}", f"n{n:08d}", n + 1, n) for n in range(count)]
    classes[1] = ImageClass("own, with comma", 'a "name", quoted')
    return ClassFeatures(tuple(classes), vectors, None, "text-only", "tiny")


def write(folder, features, size):
    rankings = ranked_classes(features, "cosine")
    return write_class_tables(folder, rankings, "cosine-text", size)


def test_the_tables_hold_the_ranking_of_every_class(tmp_path):
    features = features_of(9)
    paths = write(tmp_path, features, TableSize(nearest=8, bins=3))
    assert [path.name for path in paths] == list(CLASS_TABLE_FILES)
    nearest = read_lines(tmp_path / "classes-nearest.jsonl")
    stratified = read_lines(tmp_path / "classes-rank-stratified.jsonl")
    for ranking in ranked_classes(features, "cosine"):
        rows = [row for row in nearest if row["class_key"] == ranking.key]
        assert [row["neighbor_key"] for row in rows] == list(ranking.keys_by_rank)
        assert [row["rank"] for row in rows] == list(range(1, 9))
        assert [row["similarity"] for row in rows] == pytest.approx(ranking.similarities, abs=1e-6)
        assert {(row["table"], row["bin"]) for row in rows} == {("nearest", -1)}
        drawn = [row for row in stratified if row["class_key"] == ranking.key]
        assert [row["bin"] for row in drawn] == [0, 1, 2]
        assert [(row["rank"] - 1) // 3 for row in drawn] == [0, 1, 2]  # bins of ceil(8 / 3)
        for row in drawn:
            assert row["table"] == "rank-stratified"
            assert row["neighbor_key"] == ranking.keys_by_rank[row["rank"] - 1]


def test_rows_carry_all_ids_of_both_classes(tmp_path):
    write(tmp_path, features_of(9), TableSize(8, 1))
    rows = read_lines(tmp_path / "classes-nearest.jsonl")
    own = [row for row in rows if row["class_key"] == "own, with comma"]
    assert {(row["wnid"], row["ilsvrc_id"], row["class_index"]) for row in own} == {
        ("", None, None)
    }
    for row in rows:
        if row["neighbor_wnid"]:
            number = row["neighbor_class_index"]
            assert row["neighbor_key"] == row["neighbor_wnid"] == f"n{number:08d}"
            assert (row["neighbor_ilsvrc_id"], row["neighbor_name"]) == (
                number + 1,
                f"class {number}",
            )
    assert {row["similarity_kind"] for row in rows} == {"cosine-text"}


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
def test_the_three_forms_hold_the_same_rows_however_they_were_held(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(neighbor_tables_files, "_ROWS_AT_ONCE", at_once)
    write(tmp_path, features_of(9), TableSize(4, 3))
    for name in ("classes-nearest", "classes-rank-stratified"):
        lines = read_lines(tmp_path / f"{name}.jsonl")
        assert len(lines) == 9 * (4 if name == "classes-nearest" else 3)
        table = pyarrow.parquet.read_table(tmp_path / f"{name}.parquet")
        assert table.to_pylist() == lines
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            read_back = list(csv.DictReader(file))
        expected = [
            {key: "" if value is None else str(value) for key, value in row.items()}
            for row in lines
        ]
        assert read_back == expected
        assert table.column_names == list(read_back[0])


def test_the_same_classes_give_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        write(tmp_path / folder, features_of(9), TableSize(4, 3))
    for name in CLASS_TABLE_FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_error_meanwhile_leaves_the_older_tables(tmp_path):
    write(tmp_path, features_of(9), TableSize(4, 3))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def broken():
        yield from list(ranked_classes(features_of(9), "cosine"))[:3]
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_class_tables(tmp_path, broken(), "cosine-text", TableSize(2, 2))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("size", [TableSize(9, 1), TableSize(1, 9)])
def test_more_than_there_are_is_refused(tmp_path, size):
    with pytest.raises(InputError, match="8 classes for n00000000; ask for 1 to 8"):
        write(tmp_path, features_of(9), size)
    assert not list(tmp_path.iterdir())
