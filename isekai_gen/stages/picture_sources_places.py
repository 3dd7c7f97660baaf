"""Where each picture of a source lies: what listing a folder, tars or Parquet files gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
# A larger file is no picture that anyone trains on, but could fill the memory.
MAX_BYTES = 1 << 28


class PicturePlace(NamedTuple):
    """One picture of a source; plain values, for a source may have millions.

    Attributes:
        key: Names it within its source.
        label: Its class, or "".
        file: The file that holds it, relative to the source's folder.
        offset: First byte in a tar, row in a Parquet file, else 0.
        size: Bytes; -1 in a Parquet file, which does not tell.
        modified_ns: When that file was last written.
        chunk: Row group in a Parquet file, which is read as a whole; else -1.
    """

    key: str
    label: str
    file: str
    offset: int
    size: int
    modified_ns: int
    chunk: int = -1


class Listing(NamedTuple):
    """What lies in a source.

    Attributes:
        places: Pictures, in any order.
        refused: Key to why a picture is not even tried.
        skipped: Suffix to files that are no pictures.
    """

    places: list[PicturePlace]
    refused: dict[str, str]
    skipped: Mapping[str, int]


def is_picture_name(name: str) -> bool:
    """Whether a file's name says that it is a picture; hidden files are none."""
    path = Path(name)
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def printable(name: str) -> str:
    """A name as text that can be written, even where its bytes are not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def is_text(name: str) -> bool:
    """Whether a name's bytes are UTF-8."""
    return printable(name) == name


def too_large(size: int) -> str:
    """Why a file of so many bytes is not read, or ""."""
    return f"has {size:,} bytes, over {MAX_BYTES:,}" if size > MAX_BYTES else ""
