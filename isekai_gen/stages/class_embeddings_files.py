"""What embedding a dataset's classes leaves on disk: a cache, which may be deleted.

neighbors/class-means/<encoder>/<dataset>/part-00000.images.jsonl  classes of a shard, their images
neighbors/class-means/<encoder>/<dataset>/part-00000.npz           sums over each class's embeddings
neighbors/class-means/<encoder>/<dataset>/part-00000.failed.jsonl  images that cannot be used, why
neighbors/class-texts/<encoder>/<names>/part-00000.npy             float32 [n, d], of names
done/neighbors/class-means/..., done/neighbors/class-texts/...     written last
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.records import SCHEMA
from isekai_gen.shards import encode_lines, read_lines, read_marker
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

_ARRAYS = ("raw", "unit", "counts")


class ClassImages(NamedTuple):
    """A class and the images that stand for it.

    Attributes:
        key: Of the class.
        images: Paths relative to the dataset's folder.
    """

    key: str
    images: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ClassSums:
    """Sums over the embeddings of each class's images, in the order of the classes.

    Attributes:
        raw: float64 [n, d], of embeddings as the encoder gave them.
        unit: float64 [n, d], of unit embeddings.
        counts: int64 [n], images summed.
    """

    raw: npt.NDArray[np.float64]
    unit: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]

    @classmethod
    def zeros(cls, classes: int, dim: int) -> ClassSums:
        """Sums over no images."""
        shape = (classes, dim)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(classes, dtype=np.int64))


def write_class_images(
    workspace: Workspace, stage: str, part: int, classes: Sequence[ClassImages]
) -> None:
    """Tell the worker of a shard what to embed."""
    lines = encode_lines({"schema": SCHEMA, **entry._asdict()} for entry in classes)
    write_atomically(workspace.part(stage, part, ".images.jsonl"), lines)


def read_class_images(workspace: Workspace, stage: str, part: int) -> list[ClassImages]:
    """What `write_class_images` wrote."""
    rows = read_lines(workspace.part(stage, part, ".images.jsonl"))
    return [ClassImages(row["key"], tuple(row["images"])) for row in rows]


def sum_files(workspace: Workspace, stage: str, part: int) -> tuple[Path, Path]:
    """Sums and failures of a shard, which its marker commits."""
    return workspace.part(stage, part, ".npz"), workspace.part(stage, part, ".failed.jsonl")


def text_file(workspace: Workspace, stage: str, part: int) -> Path:
    """Embeddings of a shard of names."""
    return workspace.part(stage, part, ".npy")


def write_sums(files: tuple[Path, Path], sums: ClassSums, failures: Mapping[str, str]) -> None:
    """Write a shard's sums, without pickle, and why images are not among them."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: getattr(sums, name) for name in _ARRAYS})
    write_atomically(files[0], buffer.getvalue())
    rows = ({"schema": SCHEMA, "image": path, "reason": why} for path, why in failures.items())
    write_atomically(files[1], encode_lines(rows))


def read_sums(files: tuple[Path, Path]) -> tuple[ClassSums, dict[str, str]]:
    """What `write_sums` wrote.

    Raises:
        ChecksumError: If a file is damaged.
    """
    try:
        with np.load(files[0], allow_pickle=False) as arrays:
            sums = ClassSums(**{name: arrays[name] for name in _ARRAYS})
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ChecksumError(f"{files[0]}: no sums ({error}); delete its folder") from error
    return sums, {row["image"]: row["reason"] for row in read_lines(files[1])}


def files_digest(files: Sequence[Path]) -> str:
    """What a marker commits: one digest over the files of a shard; "" where there is none."""
    return digest_of([file_sha256(path) if path.is_file() else "" for path in files])


def is_shard_done(
    workspace: Workspace, stage: str, part: int, fingerprint: str, files: Sequence[Path]
) -> bool:
    """Whether a shard is there, whole, and made under this fingerprint; or else it is done again.

    Images that could not be read at all are tried again, too.
    """
    marker = read_marker(workspace, stage, part)
    return (
        marker is not None
        and marker.fingerprint == fingerprint
        and not marker.counts.get("retry", 0)
        and files_digest(files) == marker.digest
    )
