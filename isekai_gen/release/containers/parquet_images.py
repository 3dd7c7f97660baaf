"""The images of a release as Parquet: config `images` of the hub profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from isekai_gen.release.columns import METADATA_COLUMNS, Column
from isekai_gen.release.containers.parquet_rows import ParquetRows
from isekai_gen.release.containers.sinks import MetadataLine
from isekai_gen.release.images import ReleasedImage

IMAGE_COLUMN = Column("image", "image", "The picture, byte for byte as its file.")
IMAGES_COLUMNS: tuple[Column, ...] = (IMAGE_COLUMN, *METADATA_COLUMNS)
"""Of the Parquet files below data/."""


def picture(path: str, content: bytes) -> dict[str, Any]:
    """A value of a column of pictures; only the bare file name goes with the bytes."""
    return {"bytes": content, "path": PurePosixPath(path).name}


class ParquetImages:
    """An `ImageSink` of one Parquet file.

    Args:
        file: Open for writing, sequentially; left open.
        columns: Of the rows of metadata.jsonl; the column `image` is put before them.
        labels: Slugs of the concepts, in the order of concepts.jsonl.
    """

    def __init__(self, file: BinaryIO, columns: Sequence[Column], labels: Sequence[str]) -> None:
        self._rows = ParquetRows(file, (IMAGE_COLUMN, *columns), labels)

    def add(self, image: ReleasedImage, line: MetadataLine, content: bytes) -> None:
        """Take the next image, its line of metadata.jsonl and the bytes that are released."""
        self._rows.add({**line.row, IMAGE_COLUMN.name: picture(image.path, content)}, len(content))

    def close(self) -> None:
        """Write what is left and the footer."""
        self._rows.close()
