"""The neighbors table."""

import dataclasses
import io

from isekai_gen.manifests.neighbor_tables import NeighborRow
from isekai_gen.release.containers.parquet_neighbors import NEIGHBORS_COLUMNS, write_neighbors_table
from isekai_gen.shards import read_lines
from tests.release.contained import arrow


def test_columns_are_all_those_of_the_workspaces_tables():
    kinds = {"str": "text", "int": "whole", "float": "real"}
    for column, field in zip(NEIGHBORS_COLUMNS, dataclasses.fields(NeighborRow), strict=True):
        kind, _, rest = str(field.type).partition(" ")
        assert (column.name, column.kind) == (field.name, kinds[kind])
        assert column.nullable == (rest == "| None")


def test_both_tables_are_in_one_file_row_by_row(small):
    folder = small.workspace.neighbors
    rows = [*read_lines(folder / "nearest.jsonl"), *read_lines(folder / "rank-stratified.jsonl")]
    file = io.BytesIO()
    assert write_neighbors_table(file, iter(rows)) == len(rows)
    assert arrow().parquet.read_table(file).to_pylist() == rows
    assert {row["table"] for row in rows} == {"nearest", "rank-stratified"}
