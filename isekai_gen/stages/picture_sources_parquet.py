"""Pictures in Parquet files with an image column, as Hugging Face's `datasets` writes them.

The column holds the files' bytes, either alone or as a struct {bytes, path}. A picture's class is
what a column `label` says; numbers become names where the file carries them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.stages.picture_sources_places import Listing, PicturePlace, too_large

_IMAGE_COLUMN, _LABEL_COLUMN = "image", "label"
# Rows decoded at a time: a row group of large pictures need not fit the memory.
_BATCH_ROWS = 64
# Row numbers are padded so that keys in the order of their text are in the order of the rows.
_ROW_DIGITS = 9


def list_parquets(root: Path, files: Sequence[str]) -> Listing:
    """Every row of the files.

    Args:
        root: Folder of the files.
        files: Their paths below it.

    Raises:
        InputError: If a file has no column, or several, that could be the image.
    """
    import pyarrow as pa

    places: list[PicturePlace] = []
    refused: dict[str, str] = {}
    for file in files:
        try:
            places += _list_parquet(root, file)
        except (pa.ArrowException, OSError, ValueError) as error:
            refused[file] = f"no readable Parquet file ({' '.join(str(error).split())})"
    return Listing(places, refused, Counter())


def contents_of_parquet(
    root: Path, places: Sequence[PicturePlace]
) -> Iterator[tuple[PicturePlace, bytes | None, str]]:
    """The bytes of rows of one file, or None and the reason, in the order of their rows.

    Args:
        root: Folder of the file.
        places: Rows of one file and one row group.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = {place.offset: place for place in places}
    path = root / places[0].file
    try:
        with pq.ParquetFile(path) as parquet:
            row = _first_row(parquet, places[0].chunk)
            columns = [_image_column(parquet, path)]
            for batch in parquet.iter_batches(_BATCH_ROWS, [places[0].chunk], columns=columns):
                for number in range(row, row + batch.num_rows):
                    if number in wanted:
                        content, reason = _content(batch.column(0)[number - row].as_py())
                        yield wanted.pop(number), content, reason
                row += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        why = f"its row group cannot be read ({' '.join(str(error).split())})"
        for place in wanted.values():
            yield place, None, why


def _content(value: Any) -> tuple[bytes | None, str]:  # noqa: ANN401 - what the column holds
    content = value["bytes"] if isinstance(value, dict) else value
    if content is None:
        return None, "the row holds no bytes"
    reason = too_large(len(content))
    return (None, reason) if reason else (bytes(content), "")


def _list_parquet(root: Path, file: str) -> list[PicturePlace]:
    import pyarrow.parquet as pq

    path = root / file
    modified_ns = path.stat().st_mtime_ns
    with pq.ParquetFile(path) as parquet:
        _image_column(parquet, path)
        labels = _labels(parquet)
        groups = [
            chunk
            for chunk in range(parquet.num_row_groups)
            for _ in range(parquet.metadata.row_group(chunk).num_rows)
        ]
    return [
        PicturePlace(f"{file}#{row:0{_ROW_DIGITS}}", label, file, row, -1, modified_ns, chunk)
        for row, (label, chunk) in enumerate(zip(labels, groups, strict=True))
    ]


def _first_row(parquet: Any, chunk: int) -> int:  # noqa: ANN401 - a pyarrow ParquetFile
    return sum(int(parquet.metadata.row_group(before).num_rows) for before in range(chunk))


def _image_column(parquet: Any, path: Path) -> str:  # noqa: ANN401 - a pyarrow ParquetFile
    """Name of the column of pictures."""
    fitting = [field.name for field in parquet.schema_arrow if _holds_bytes(field.type)]
    if _IMAGE_COLUMN in fitting:
        return _IMAGE_COLUMN
    if len(fitting) == 1:
        return str(fitting[0])
    found = f"several ({', '.join(fitting)})" if fitting else "none"
    raise InputError(
        f"{path}: needs one column of image bytes (binary, or a struct with bytes), has {found}; "
        f"name the column {_IMAGE_COLUMN!r}"
    )


def _holds_bytes(kind: Any) -> bool:  # noqa: ANN401 - a pyarrow type
    import pyarrow as pa

    if pa.types.is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _holds_bytes(kind.field(index).type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _labels(parquet: Any) -> list[str]:  # noqa: ANN401 - a pyarrow ParquetFile
    """Class of every row; "" where the file has no column of classes."""
    if _LABEL_COLUMN not in parquet.schema_arrow.names:
        return [""] * int(parquet.metadata.num_rows)
    names = _class_names(parquet.schema_arrow.metadata or {})
    values = parquet.read(columns=[_LABEL_COLUMN]).column(0).to_pylist()
    return [
        names[value]
        if isinstance(value, int) and 0 <= value < len(names)
        else ("" if value is None else str(value))
        for value in values
    ]


def _class_names(metadata: dict[bytes, bytes]) -> list[str]:
    """Names of the numbered classes, which `datasets` keeps in the file's metadata."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        names = features[_LABEL_COLUMN]["names"]
    except (KeyError, TypeError, ValueError):
        return []  # a file of another writer: the numbers stand for themselves
    return [str(name) for name in names] if isinstance(names, list) else []
