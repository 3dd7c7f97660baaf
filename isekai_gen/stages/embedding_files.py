"""Embeddings on disk: one array and one list of ids for each shard of an encoder.

embeddings/<encoder>/part-00000.npy            float32 [n, d], unit rows
embeddings/<encoder>/part-00000.ids.jsonl      one line a row: image_id; alignment, if it reads text
embeddings/<encoder>/part-00000.failed.jsonl   images that could not be opened, with the reason
embeddings/<encoder>/concepts.npy, concepts.ids.jsonl   each concept's own text; fictional names
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import EmbeddingTable, FloatArray
from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.records import SCHEMA
from isekai_gen.shards import DoneMarker, encode_lines, read_lines, read_marker
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace, folder_name

_NAME_ROW = "name/"


@dataclass(frozen=True, eq=False)
class ImageEmbeddings:
    """Embeddings of all images that could be opened.

    Attributes:
        table: By image id, in shard order.
        alignment: Image id to the similarity of image and its own prompt; empty from an encoder
            of pictures only.
        failures: Image id to why it has no embedding.
    """

    table: EmbeddingTable
    alignment: Mapping[str, float]
    failures: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class ShardEmbeddings:
    """Embeddings of one shard of images.

    Attributes:
        ids: Images that could be opened.
        vectors: float32 [n, d], unit rows.
        alignment: float64 [n], similarity of each image to its own prompt; None from an encoder of
            pictures only.
        failures: Image id to why it has no embedding.
    """

    ids: tuple[str, ...]
    vectors: FloatArray
    alignment: npt.NDArray[np.float64] | None
    failures: Mapping[str, str]


def embed_stage(encoder: str) -> str:
    """Name of the stage that embeds images with an encoder, for done-markers."""
    return f"embed/{folder_name(encoder)}"


def concepts_stage(encoder: str) -> str:
    """Name of the stage that embeds the concepts' own texts."""
    return f"{embed_stage(encoder)}/concepts"


def concept_files(workspace: Workspace, encoder: str) -> tuple[Path, Path]:
    """Array and ids of the concepts' own texts."""
    folder = workspace.root / workspace.embeddings(encoder)
    return folder / "concepts.npy", folder / "concepts.ids.jsonl"


def shard_files(workspace: Workspace, encoder: str, part: int) -> tuple[Path, Path]:
    """Array and ids of one shard of images."""
    folder = workspace.embeddings(encoder)
    return workspace.part(folder, part, ".npy"), workspace.part(folder, part, ".ids.jsonl")


def files_digest(files: tuple[Path, Path]) -> str:
    """What a marker commits: one digest over array and ids, for neither says much alone."""
    return digest_of([file_sha256(path) for path in files])


def are_whole(files: tuple[Path, Path], marker: DoneMarker) -> bool:
    """Whether array and ids are there with the bytes that their marker commits."""
    return all(path.is_file() for path in files) and files_digest(files) == marker.digest


def write_array(path: Path, vectors: FloatArray) -> None:
    """Write an array atomically, without pickle."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(vectors), allow_pickle=False)
    write_atomically(path, buffer.getvalue())


def read_array(path: Path) -> FloatArray:
    """The array that `write_array` wrote.

    Raises:
        ChecksumError: If it is missing or no float32 matrix.
    """
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ChecksumError(f"{path}: cannot be read ({error}); run embed again") from error
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ChecksumError(f"{path}: not a float32 matrix; delete it and run embed again")
    return np.asarray(vectors, dtype=np.float32)


def write_shard(
    workspace: Workspace, encoder: str, part: int, embeddings: ShardEmbeddings
) -> tuple[Path, Path]:
    """Write a shard's files; returns array and ids, which the marker commits."""
    array, ids = shard_files(workspace, encoder, part)
    rows: list[dict[str, Any]] = [{"schema": SCHEMA, "image_id": i} for i in embeddings.ids]
    if embeddings.alignment is not None:
        for row, alignment in zip(rows, embeddings.alignment, strict=True):
            row["alignment"] = float(alignment)
    write_atomically(ids, encode_lines(rows))
    failed = workspace.part(workspace.embeddings(encoder), part, ".failed.jsonl")
    if embeddings.failures:
        reasons = embeddings.failures.items()
        lines = [{"schema": SCHEMA, "image_id": i, "reason": reason} for i, reason in reasons]
        write_atomically(failed, encode_lines(lines))
    else:
        failed.unlink(missing_ok=True)
    write_array(array, embeddings.vectors)
    return array, ids


def read_shard(
    workspace: Workspace, encoder: str, part: int
) -> tuple[list[str], FloatArray] | None:
    """Ids and vectors of one shard as they lie there, committed or not; None if they do not.

    Raises:
        ChecksumError: If one of the files is damaged, or they do not fit each other.
    """
    array, ids_file = shard_files(workspace, encoder, part)
    if not array.exists() or not ids_file.exists():
        return None
    vectors, ids = read_array(array), [line.get("image_id") for line in read_lines(ids_file)]
    if len(vectors) != len(ids):
        raise ChecksumError(f"{array}: {len(vectors)} rows for {len(ids)} ids; run embed again")
    known = [image_id for image_id in ids if isinstance(image_id, str)]
    if len(known) != len(ids):
        raise ChecksumError(f"{ids_file}: a line names no image; delete it and run embed again")
    return known, vectors


def read_embeddings(workspace: Workspace, encoder: str, digest: str) -> ImageEmbeddings:
    """The embeddings of all images recorded now; those of a plan that was replaced are left out.

    Args:
        workspace: Where they are.
        encoder: The encoder's label.
        digest: The encoder's identity, which the table carries.

    Raises:
        ChecksumError: If files are not what was committed.
    """
    folder = workspace.embeddings(encoder)
    ids: list[str] = []
    arrays: list[FloatArray] = []
    alignment: dict[str, float] = {}
    failures: dict[str, str] = {}
    for part in workspace.parts("records"):
        files = shard_files(workspace, encoder, part)
        _require_whole(workspace, files, embed_stage(encoder), part)
        arrays.append(read_array(files[0]))
        lines = read_lines(files[1])
        ids += [line["image_id"] for line in lines]
        aligned = (line for line in lines if "alignment" in line)
        alignment.update((line["image_id"], line["alignment"]) for line in aligned)
        failed = workspace.part(folder, part, ".failed.jsonl")
        if failed.exists():
            failures.update((line["image_id"], line["reason"]) for line in read_lines(failed))
    return ImageEmbeddings(_table(ids, arrays, digest, folder), alignment, failures)


def name_row(slug: str) -> str:
    """What the row of a concept's name is called; no slug has a slash."""
    return f"{_NAME_ROW}{slug}"


def read_concept_texts(workspace: Workspace, encoder: str, digest: str) -> EmbeddingTable:
    """The concepts' own texts, by slug."""
    table = _read_concept_rows(workspace, encoder, digest)
    return table.select([row for row in table.ids if not row.startswith(_NAME_ROW)])


def read_concept_names(workspace: Workspace, encoder: str, digest: str) -> EmbeddingTable:
    """Fictional concepts' names, by slug, embedded as the names of reference classes are."""
    table = _read_concept_rows(workspace, encoder, digest)
    named = table.select([row for row in table.ids if row.startswith(_NAME_ROW)])
    slugs = tuple(row.removeprefix(_NAME_ROW) for row in named.ids)
    return EmbeddingTable(slugs, named.vectors, digest)


def _read_concept_rows(workspace: Workspace, encoder: str, digest: str) -> EmbeddingTable:
    array, ids = concept_files(workspace, encoder)
    _require_whole(workspace, (array, ids), concepts_stage(encoder), 0)
    rows = [line["concept"] for line in read_lines(ids)]
    return _table(rows, [read_array(array)], digest, str(array))


def _require_whole(workspace: Workspace, files: tuple[Path, Path], stage: str, part: int) -> None:
    marker = read_marker(workspace, stage, part)
    if marker is None or not are_whole(files, marker):
        raise ChecksumError(f"{files[0]}: not what was committed; run embed again")


def _table(
    ids: Sequence[str], arrays: Sequence[FloatArray], digest: str, where: str
) -> EmbeddingTable:
    filled = [array for array in arrays if len(array)]
    vectors = np.concatenate(filled) if filled else np.zeros((0, 1), dtype=np.float32)
    try:
        return EmbeddingTable(tuple(ids), vectors, digest)
    except ValueError as error:
        raise ChecksumError(f"{where}: {error}; delete it and run embed again") from error
