"""Columns as Arrow types, with the features that `datasets` reads from a Parquet file's footer.

Types and JSON are those that `datasets` 5.2 writes itself; Image, List(Image) and ClassLabel come
back as such without a loading script.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from isekai_gen.release.columns import Column, Kind

DTYPES: Mapping[Kind, str] = {"text": "string", "whole": "int64", "real": "float64", "flag": "bool"}
"""What `datasets` calls the kinds of plain values."""


def huggingface_schema(columns: Sequence[Column], labels: Sequence[str]) -> Any:  # noqa: ANN401
    """The `pyarrow.Schema` of a table, in the order of `columns`.

    Args:
        columns: Of the table.
        labels: Names of the numbers in columns of kind "label", from 0; may be empty without such.
    """
    import pyarrow

    types = _arrow_types()
    features = {column.name: _feature(column, labels) for column in columns}
    return pyarrow.schema(
        [(column.name, types[column.kind]) for column in columns],
        metadata={"huggingface": json.dumps({"info": {"features": features}}, ensure_ascii=False)},
    )


def leaf_columns(columns: Sequence[Column]) -> list[str]:
    """Names of the physical columns of the Parquet file, pictures' bytes left out."""
    inner = {"texts": ".list.element", "image": ".path", "images": ".list.element.path"}
    return [column.name + inner.get(column.kind, "") for column in columns]


def byte_columns(columns: Sequence[Column]) -> list[str]:
    """Names of the physical columns of the Parquet file that hold pictures' bytes."""
    inner = {"image": ".bytes", "images": ".list.element.bytes"}
    return [column.name + inner[column.kind] for column in columns if column.kind in inner]


def _arrow_types() -> dict[str, Any]:
    import pyarrow

    picture = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    return {
        "text": pyarrow.string(),
        "whole": pyarrow.int64(),
        "real": pyarrow.float64(),
        "flag": pyarrow.bool_(),
        "texts": pyarrow.list_(pyarrow.string()),
        "image": picture,
        "images": pyarrow.list_(picture),
        "label": pyarrow.int64(),
    }


def _feature(column: Column, labels: Sequence[str]) -> dict[str, Any]:
    picture = {"_type": "Image"}
    if column.kind == "image":
        return picture
    if column.kind == "images":
        return {"feature": picture, "_type": "List"}
    if column.kind == "label":
        return {"names": list(labels), "_type": "ClassLabel"}
    if column.kind == "texts":
        return {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"}
    return {"dtype": DTYPES[column.kind], "_type": "Value"}
