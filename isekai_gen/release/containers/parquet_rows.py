"""Rows written to a Parquet file as they come: bounded memory, and the same bytes every time.

Row groups are small, as the Hub's viewer wants them. Content-defined chunks let the Hub's storage
find again what a later version shares with this one. Pictures do not shrink, so their bytes are
stored plain; everything else has dictionaries and snappy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from isekai_gen.errors import ReleaseError
from isekai_gen.release.columns import Column
from isekai_gen.release.containers.parquet_schema import (
    byte_columns,
    huggingface_schema,
    leaf_columns,
)

_MAX_GROUP_ROWS = 100
_MAX_GROUP_BYTES = 100_000_000
# What `datasets` 5.2 uses.
_CHUNKING = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}


class ParquetRows:
    """A Parquet file that takes row after row; the file is only written to, never sought in.

    Args:
        file: Open for writing; left open.
        columns: Of the table, in order.
        labels: Names for columns of kind "label".
        group_rows: Rows of a row group, at most.
    """

    def __init__(
        self,
        file: BinaryIO,
        columns: Sequence[Column],
        labels: Sequence[str] = (),
        group_rows: int = _MAX_GROUP_ROWS,
    ) -> None:
        import pyarrow.parquet

        small, pictures = leaf_columns(columns), byte_columns(columns)
        self._required = [column.name for column in columns if not column.nullable]
        self._nullable = [column.name for column in columns if column.nullable]
        self._group_rows = group_rows
        self._waiting: list[Mapping[str, Any]] = []
        self._waiting_bytes = 0
        self._writer = pyarrow.parquet.ParquetWriter(
            file,
            huggingface_schema(columns, labels),
            compression={name: "SNAPPY" for name in small} | {name: "NONE" for name in pictures},
            use_dictionary=small,
            write_statistics=small,
            use_content_defined_chunking=_CHUNKING,
            write_page_index=True,
        )

    def add(self, row: Mapping[str, Any], picture_bytes: int = 0) -> None:
        """Take the next row.

        Args:
            row: Has a value for every column; other keys are left out.
            picture_bytes: Size of its pictures together.

        Raises:
            ReleaseError: If a value is missing in a column that allows none.
        """
        for name in self._required:
            if row.get(name) is None:
                raise _no_value(row, name)
        for name in self._nullable:
            if name not in row:
                raise _no_value(row, name)
        if self._waiting and self._waiting_bytes + picture_bytes > _MAX_GROUP_BYTES:
            self._write_group()
        self._waiting.append(row)
        self._waiting_bytes += picture_bytes
        if len(self._waiting) == self._group_rows:
            self._write_group()

    def close(self) -> None:
        """Write what is left and the footer."""
        if self._waiting:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        import pyarrow

        schema = self._writer.schema
        values = [[row[name] for row in self._waiting] for name in schema.names]
        arrays = [
            pyarrow.array(each, kind) for each, kind in zip(values, schema.types, strict=True)
        ]
        self._waiting, self._waiting_bytes = [], 0
        self._writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


def _no_value(row: Mapping[str, Any], column: str) -> ReleaseError:
    shown = row.get("file_name") or row.get("query_file_name") or row
    return ReleaseError(f"{shown}: no value for {column!r}; run the stage that gives it again")
