"""Tables as Parquet, CSV and JSON lines with the same rows, written as the rows come."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO, Any

from isekai_gen.shards import encode_lines
from isekai_gen.storage import streamed_file

FORMS = ("parquet", "csv", "jsonl")
# Rows held before they are written; also the row groups of the Parquet file.
_ROWS_AT_ONCE = 16_384


@dataclass
class TableSink:
    """Takes the rows of one table.

    Attributes:
        columns: Names, in order.
        parquet: A `pyarrow.parquet.ParquetWriter`.
        csv: Open for writing, in bytes.
        jsonl: Open for writing, in bytes.
    """

    columns: tuple[str, ...]
    parquet: Any
    csv: IO[bytes]
    jsonl: IO[bytes]
    _waiting: list[dict[str, Any]] = field(default_factory=list)

    def add(self, rows: Iterable[object]) -> None:
        """Take rows, dataclasses of the table's type."""
        self._waiting += [dict(vars(row)) for row in rows]
        if len(self._waiting) >= _ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what was taken so far."""
        import pyarrow

        table = pyarrow.Table.from_pylist(self._waiting, schema=self.parquet.schema)
        self.parquet.write_table(table)
        text = io.StringIO(newline="")
        csv.DictWriter(text, self.columns, lineterminator="\n").writerows(self._waiting)
        self.csv.write(text.getvalue().encode())
        self.jsonl.write(encode_lines(self._waiting))
        self._waiting = []


@contextmanager
def open_table(folder: Path, name: str, row_type: type) -> Iterator[TableSink]:
    """Write FOLDER/NAME.parquet, .csv and .jsonl; at the end they replace older ones.

    An error meanwhile leaves the older ones. Memory holds some 16,000 rows.

    Args:
        folder: Made if it is not there.
        name: Of the table.
        row_type: Dataclass whose fields are the columns: int, str, float, or one of them or None.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    import pyarrow
    import pyarrow.parquet

    types = {"int": pyarrow.int64(), "str": pyarrow.string(), "float": pyarrow.float64()}
    columns = fields(row_type)
    # Annotations are text here ("float | None"): the first word is the type.
    schema = pyarrow.schema([(each.name, types[str(each.type).split()[0]]) for each in columns])
    names = tuple(each.name for each in columns)
    with ExitStack() as stack:
        paths = [stack.enter_context(streamed_file(folder / f"{name}.{form}")) for form in FORMS]
        csv_file = stack.enter_context(paths[1].open("wb"))
        jsonl_file = stack.enter_context(paths[2].open("wb"))
        parquet = stack.enter_context(pyarrow.parquet.ParquetWriter(paths[0], schema))
        csv_file.write((",".join(names) + "\n").encode())
        sink = TableSink(names, parquet, csv_file, jsonl_file)
        yield sink
        sink.flush()


def table_files(*names: str) -> tuple[str, ...]:
    """Names of the files of tables."""
    return tuple(f"{name}.{form}" for name in names for form in FORMS)
