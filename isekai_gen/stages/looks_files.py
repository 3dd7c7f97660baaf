"""Looks on disk: one Parquet file for each shard of images, and one list of failures.

looks/part-00000.parquet        one row an image: image_id, short_side, contrast, text, hashable,
                                phash and dhash (8 hashes of 8 bytes), thumbnail (32 x 32 gray),
                                tint (8 x 8 Cb, then Cr)
looks/part-00000.failed.jsonl   images that could not be opened, with the reason
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import file_sha256
from isekai_gen.models.perceptual import ORIENTATIONS, THUMBNAIL_SIDE, TINT_SIDE, PictureHashes
from isekai_gen.records import SCHEMA, PictureLook
from isekai_gen.shards import encode_lines, is_whole, read_lines, read_marker
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "looks"
STAGE = "looks"
"""The stage that looks at pictures, for done-markers."""
_FAILED = ".failed.jsonl"
_FILE_SCHEMA = {b"isekai_gen_schema": str(SCHEMA).encode()}


@dataclass(frozen=True, eq=False)
class Looks:
    """What was measured on all pictures that could be opened.

    Attributes:
        ids: Image ids in shard order; row i of `hashes` is of image i.
        hashes: Perceptual hashes.
        looks: Image id to the other measurements.
        failures: Image id to why there are none.
    """

    ids: tuple[str, ...]
    hashes: PictureHashes
    looks: Mapping[str, PictureLook]
    failures: Mapping[str, str]


def look_file(workspace: Workspace, part: int) -> Path:
    """The Parquet file of one shard."""
    return workspace.part(FOLDER, part, ".parquet")


def has_failures(workspace: Workspace, part: int) -> bool:
    """Whether pictures of a shard could not be opened; they may have been restored since."""
    return workspace.part(FOLDER, part, _FAILED).exists()


def write_looks(
    workspace: Workspace,
    part: int,
    looks: Sequence[PictureLook],
    hashes: PictureHashes,
    failures: Mapping[str, str],
) -> str:
    """Write one shard's files; returns the digest that its marker commits."""
    failed = workspace.part(FOLDER, part, _FAILED)
    if failures:
        lines = [{"schema": SCHEMA, "image_id": i, "reason": r} for i, r in failures.items()]
        write_atomically(failed, encode_lines(lines))
    else:
        failed.unlink(missing_ok=True)
    path = look_file(workspace, part)
    write_atomically(path, _encoded(looks, hashes))
    return file_sha256(path)


def _encoded(looks: Sequence[PictureLook], hashes: PictureHashes) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "image_id": pa.array([look.image_id for look in looks], pa.string()),
            "short_side": pa.array([look.short_side for look in looks], pa.int32()),
            "contrast": pa.array([look.contrast for look in looks], pa.float64()),
            "text": pa.array([look.text for look in looks], pa.float64()),
            "hashable": pa.array(hashes.hashable.tolist(), pa.bool_()),
            "phash": _binary_column(hashes.phash),
            "dhash": _binary_column(hashes.dhash),
            "thumbnail": _binary_column(hashes.thumbnails),
            "tint": _binary_column(hashes.tints),
        }
    ).replace_schema_metadata(_FILE_SCHEMA)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _binary_column(array: np.ndarray) -> pa.FixedSizeBinaryArray:
    """One fixed-size binary value a row; numbers of several bytes are little-endian."""
    import pyarrow as pa

    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    width = int(np.prod(array.shape[1:])) * array.itemsize
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(array), [None, pa.py_buffer(little.tobytes())]
    )


def read_looks(workspace: Workspace) -> Looks:
    """The looks of all images recorded now.

    Raises:
        ChecksumError: If a file is not what was committed.
    """
    records: list[PictureLook] = []
    parts: list[PictureHashes] = []
    failures: dict[str, str] = {}
    for part in workspace.parts("records"):
        path, marker = look_file(workspace, part), read_marker(workspace, STAGE, part)
        if marker is None or not is_whole(path, marker):
            raise ChecksumError(f"{path}: not what was committed; delete it and run dedupe again")
        looks, hashes = _read_part(path)
        records += looks
        parts.append(hashes)
        failed = workspace.part(FOLDER, part, _FAILED)
        if failed.exists():
            failures.update((line["image_id"], line["reason"]) for line in read_lines(failed))
    return Looks(
        tuple(look.image_id for look in records),
        PictureHashes.joined(parts),
        {look.image_id: look for look in records},
        failures,
    )


def _read_part(path: Path) -> tuple[list[PictureLook], PictureHashes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        columns = [table[name].to_pylist() for name in ("image_id", "short_side", "contrast")]
        looks = [PictureLook(*row) for row in zip(*columns, table["text"].to_pylist(), strict=True)]
        hashes = PictureHashes(
            _array(table, "phash", "<u8", (ORIENTATIONS,)).astype(np.uint64),
            _array(table, "dhash", "<u8", (ORIENTATIONS,)).astype(np.uint64),
            _array(table, "thumbnail", "u1", (THUMBNAIL_SIDE, THUMBNAIL_SIDE)),
            _array(table, "tint", "u1", (2, TINT_SIDE, TINT_SIDE)),
            np.array(table["hashable"].to_pylist(), dtype=np.bool_),
        )
    except (pa.ArrowInvalid, KeyError, ValueError, TypeError) as error:
        raise ChecksumError(f"{path}: no file of looks ({error}); delete it, run again") from error
    return looks, hashes


def _array(table: pa.Table, name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    values = b"".join(table[name].to_pylist())
    return np.frombuffer(values, dtype=dtype).reshape(-1, *shape)
