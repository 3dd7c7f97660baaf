"""Read the images in Parquet files and tar shards without trusting them.

Nothing is extracted by name, and what a file says of its own sizes is held against limits before
memory is taken for it. Whatever is malformed is a `ReleaseError` of one line, never a crash.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from isekai_gen.errors import ReleaseError
from isekai_gen.release.containers.parquet_read import iter_parquet_rows
from isekai_gen.release.containers.tar_headers import plain_name_and_size

# A picture or a member beside it that is larger is none of ours; without limits it could fill the
# memory.
_MAX_PICTURE_BYTES = 1 << 28
_MAX_ROW_BYTES = 1 << 20
_BLOCK = tarfile.BLOCKSIZE
_Member = tuple[str, bytes]
_NO_MEMBER: _Member = ("", b"")


@dataclass(frozen=True)
class ContainedImage:
    """A picture inside a container, as it says of itself.

    Attributes:
        name: Path of the image in the release; not checked, never to be opened as it is.
        content: Bytes of its file.
        row: What the container tells of it: of `images` the row of metadata.jsonl, of `pairs` the
            row without pictures.
        text: That row as it is spelled, or b"" if the container does not spell it.
    """

    name: str
    content: bytes
    row: Mapping[str, Any]
    text: bytes = b""


def iter_parquet_images(path: Path) -> Iterator[ContainedImage]:
    """The images of a file below data/, in its order; memory holds a row group.

    Raises:
        ReleaseError: If the file is malformed, or larger in parts than any of ours.
    """
    for number, row in enumerate(iter_parquet_rows(path), start=1):
        where = f"{path.name}: row {number}"
        picture = row.pop("image", None)
        yield _contained(picture, row.get("file_name"), row, where)


def iter_pair_images(path: Path) -> Iterator[ContainedImage]:
    """The pictures of a file below pairs/: of each row the query, then its support images.

    Raises:
        ReleaseError: If the file is malformed, or larger in parts than any of ours.
    """
    for number, row in enumerate(iter_parquet_rows(path), start=1):
        where = f"{path.name}: row {number}"
        yield from _pair_images(row, where)


def iter_tar_images(path: Path) -> Iterator[ContainedImage]:
    """The images of a tar shard, in its order; memory holds one.

    Raises:
        ReleaseError: If the file is malformed, or larger in parts than any of ours.
    """
    try:
        with path.open("rb") as file:
            members = _members(file, path.name)
            for name, content in members:
                key, _, extension = name.partition(".")
                if extension != "cls":
                    raise ReleaseError(
                        f"{path.name}: {name!a} is not where a sample's .cls must be"
                    )
                row, picture = next(members, _NO_MEMBER), next(members, _NO_MEMBER)
                yield _sample(key, content, row, picture, path.name)
    except OSError as error:
        raise ReleaseError(f"{path.name}: {error.strerror}; copy the release again") from error


def _contained(picture: object, name: object, row: Mapping[str, Any], where: str) -> ContainedImage:
    """One picture of a Parquet row."""
    if not isinstance(name, str) or not isinstance(picture, dict):
        raise ReleaseError(f"{where} has no picture or no name for it")
    content = picture.get("bytes")
    if not isinstance(content, bytes):
        raise ReleaseError(f"{where} has no picture for {name!a}")
    if picture.get("path") != PurePosixPath(name).name:
        raise ReleaseError(f"{where}: the picture of {name!a} says it is {picture.get('path')!a}")
    if _length(list(row.values())) > _MAX_ROW_BYTES:
        raise ReleaseError(f"{where}: what it tells of {name!a} is longer than {_MAX_ROW_BYTES}")
    return ContainedImage(name, content, row)


def _length(value: object) -> int:
    """Characters of a text, or of all in a list: a dictionary repeats them at no cost."""
    if isinstance(value, list):
        texts = [each for each in value if type(each) is str]
        # Nearly all are, and nearly all others have no length.
        rest = (each for each in value if isinstance(each, list | bytes))
        return sum(map(len, texts)) + sum(map(_length, rest))
    return len(value) if isinstance(value, str | bytes) else 0


def _pair_images(row: dict[str, Any], where: str) -> Iterator[ContainedImage]:
    pictures = [(row.pop("query", None), row.get("query_file_name"))]
    for side in ("positive", "negative"):
        images, names = row.pop(f"{side}_images", None), row.get(f"{side}_file_names")
        if not isinstance(images, list) or not isinstance(names, list) or len(images) > len(names):
            raise ReleaseError(f"{where} has more {side} pictures than names, or no list of them")
        pictures += zip(images, names, strict=False)
    for picture, name in pictures:
        yield _contained(picture, name, row, where)


def _sample(key: str, label: bytes, told: _Member, picture: _Member, where: str) -> ContainedImage:
    """One sample of a tar shard, its three members checked against each other."""
    (row_name, row_bytes), (picture_name, content) = told, picture
    if row_name != f"{key}.json":
        raise ReleaseError(f"{where}: {key!a} has no .json after its .cls")
    try:
        row = json.loads(row_bytes)
    except (ValueError, RecursionError) as error:
        raise ReleaseError(f"{where}: {row_name!a} is not JSON") from error
    if not isinstance(row, dict) or not isinstance(row.get("file_name"), str):
        raise ReleaseError(f"{where}: {row_name!a} is no row with a file_name")
    name = row["file_name"]
    if picture_name != PurePosixPath(name).name or PurePosixPath(name).stem != key:
        raise ReleaseError(f"{where}: {row_name!a} tells of {name!a}, which does not follow it")
    if label != str(row.get("label")).encode():
        raise ReleaseError(f"{where}: {key}.cls is not the label of {row_name!a}")
    return ContainedImage(name, content, row, row_bytes)


def _members(file: BinaryIO, where: str) -> Iterator[_Member]:
    """Names and contents of the plain files of a tar, up to its end."""
    while (header := file.read(_BLOCK)) != b"\0" * _BLOCK:
        name, size = _name_and_size(header, where)
        limit = _MAX_ROW_BYTES if name.endswith((".cls", ".json")) else _MAX_PICTURE_BYTES
        if not 0 <= size <= limit:
            raise ReleaseError(f"{where}: {name!a} is larger than {limit} bytes")
        content = file.read(size)
        padding = -size % _BLOCK
        if len(content) < size or file.read(padding) != b"\0" * padding:
            raise ReleaseError(f"{where}: {name!a} is cut off or not padded with zeros")
        yield name, content
    rest = file.read(tarfile.RECORDSIZE)
    whole = len(rest) >= _BLOCK and file.tell() % tarfile.RECORDSIZE == 0 and not file.read(1)
    if not whole or rest.strip(b"\0"):
        raise ReleaseError(f"{where}: its end is cut off, or something follows it")


def _name_and_size(header: bytes, where: str) -> tuple[str, int]:
    """Of a plain file in a tar, from its header."""
    known = plain_name_and_size(header)
    if known is not None:
        return known
    try:
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise ReleaseError(f"{where}: not a tar shard, or cut off: {error}") from error
    if member.type != tarfile.REGTYPE:
        raise ReleaseError(f"{where}: {member.name!a} is not a plain file")
    return member.name, member.size
