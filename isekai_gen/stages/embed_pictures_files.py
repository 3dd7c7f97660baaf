"""What looking at a source's pictures leaves on disk, under a folder `work`.

work/pictures/<encoder>/part-00000.places.jsonl  where the pictures of a shard lie
work/pictures/<encoder>/part-00000.jsonl         one line a picture: digests and size, or why not
work/pictures/<encoder>/part-00000.hashes.npz    perceptual hashes of those that were opened
work/pictures/<encoder>/part-00000.npy           float32 [n, d], their embeddings
work/pictures/<encoder>/vectors.npy              the embeddings of all shards
work/done/pictures/<encoder>/part-00000.json     written last
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.models.perceptual import PictureHashes
from isekai_gen.records import SCHEMA
from isekai_gen.shards import encode_lines, read_lines
from isekai_gen.stages.picture_sources_places import PicturePlace
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace, folder_name

_NO_ENCODER = "no-encoder"


@dataclass(frozen=True)
class PictureRow:
    """What is known of one picture of a source.

    Attributes:
        key: Names it within its source.
        label: Its class, or "".
        width: Pixels.
        height: Pixels.
        file_bytes: Bytes of its file.
        byte_sha256: Of the file.
        pixel_sha256: Of its RGB pixels.
        failure: Why nothing else is known of it, or "".
        retry: Whether its bytes could not be had, so that a later run tries again.
    """

    key: str
    label: str
    width: int = 0
    height: int = 0
    file_bytes: int = 0
    byte_sha256: str = ""
    pixel_sha256: str = ""
    failure: str = ""
    retry: bool = False


def stage_of(label: str, identity: str) -> str:
    """Name of the stage and its folder: one for each encoder; "" and "" for none."""
    name = f"{folder_name(label)}-{identity[:8]}" if identity else _NO_ENCODER
    return f"pictures/{name}"


def part_files(work: Workspace, stage: str, part: int) -> tuple[Path, Path, Path]:
    """Rows, hashes and embeddings of one shard; a marker commits those that are there."""
    suffixes = (".jsonl", ".hashes.npz", ".npy")
    rows, hashes, vectors = (work.part(stage, part, suffix) for suffix in suffixes)
    return rows, hashes, vectors


def part_digest(files: Sequence[Path]) -> str:
    """What a marker commits: one digest over the files of a shard; "" where there is none."""
    return digest_of([file_sha256(path) if path.is_file() else "" for path in files])


def write_places(work: Workspace, stage: str, part: int, places: Sequence[PicturePlace]) -> None:
    """Tell the worker of a shard what to look at."""
    lines = encode_lines({"schema": SCHEMA, **place._asdict()} for place in places)
    write_atomically(work.part(stage, part, ".places.jsonl"), lines)


def read_places(work: Workspace, stage: str, part: int) -> list[PicturePlace]:
    """What `write_places` wrote."""
    rows = read_lines(work.part(stage, part, ".places.jsonl"))
    return [PicturePlace(**{name: row[name] for name in PicturePlace._fields}) for row in rows]


def write_rows(path: Path, rows: Sequence[PictureRow]) -> None:
    """Write the rows of one shard."""
    write_atomically(path, encode_lines({"schema": SCHEMA, **asdict(row)} for row in rows))


def read_rows(path: Path) -> list[PictureRow]:
    """The rows of one shard.

    Raises:
        ChecksumError: If the file is damaged.
    """
    try:
        return [
            PictureRow(**{key: value for key, value in row.items() if key != "schema"})
            for row in read_lines(path)
        ]
    except TypeError as error:
        raise ChecksumError(f"{path}: not what was written ({error}); delete its folder") from error


def write_hashes(path: Path, hashes: PictureHashes) -> None:
    """Write perceptual hashes, one array for each of their attributes, without pickle."""
    buffer = io.BytesIO()
    np.savez(buffer, **{field.name: getattr(hashes, field.name) for field in fields(hashes)})
    write_atomically(path, buffer.getvalue())


def read_hashes(path: Path) -> PictureHashes:
    """What `write_hashes` wrote.

    Raises:
        ChecksumError: If the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return PictureHashes(
                **{field.name: arrays[field.name] for field in fields(PictureHashes)}
            )
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ChecksumError(f"{path}: no file of hashes ({error}); delete its folder") from error
