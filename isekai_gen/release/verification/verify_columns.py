"""Check that a row has the columns of its table, each with a value of its kind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from isekai_gen.release.columns import Column

_INT64 = 1 << 63


def column_faults(row: Mapping[str, Any], columns: Sequence[Column]) -> list[str]:
    """What is wrong with a row of JSON; empty if its values can be looked up by column."""
    if len(row) != len(columns) or not all(column.name in row for column in columns):
        differing = row.keys() ^ {column.name for column in columns}
        wrong = ", ".join(sorted(map(ascii, differing))[:8])
        return [f"must have exactly the columns of its table; missing or extra: {wrong}"]
    return [
        f"{column.name} is {ascii(row[column.name])[:80]}, not of kind {column.kind!r}"
        for column in columns
        # Most values of most tables are texts.
        if not (type(row[column.name]) is str and column.kind == "text")
        and not _is_of_kind(row[column.name], column)
    ]


def _is_of_kind(value: Any, column: Column) -> bool:  # noqa: ANN401 - any JSON value
    if value is None:
        return column.nullable
    if column.kind == "text":
        return isinstance(value, str)
    if column.kind == "texts":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if column.kind == "flag":
        return isinstance(value, bool)
    if column.kind == "real":
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is int and -_INT64 <= value < _INT64
