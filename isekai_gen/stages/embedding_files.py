"""Embeddings on disk: one array and one list of ids for each shard of an encoder.

embeddings/<encoder>/part-00000.npy            float32 [n, d], unit rows
embeddings/<encoder>/part-00000.ids.jsonl      one line a row: image_id, alignment
embeddings/<encoder>/part-00000.failed.jsonl   images that could not be opened, with the reason
embeddings/<encoder>/concepts.npy, concepts.ids.jsonl   each concept's own text
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isekai_gen.embeddings import EmbeddingTable, FloatArray
from isekai_gen.errors import ChecksumError
from isekai_gen.records import SCHEMA
from isekai_gen.shards import check_part, encode_lines, read_lines, read_marker
from isekai_gen.workspace import Workspace, write_atomically


@dataclass(frozen=True, eq=False)
class ImageEmbeddings:
    """Embeddings of all images that could be opened.

    Attributes:
        table: By image id, in shard order.
        alignment: Image id to the similarity of image and its own prompt.
        failures: Image id to why it has no embedding.
    """

    table: EmbeddingTable
    alignment: Mapping[str, float]
    failures: Mapping[str, str]


def embed_stage(encoder: str) -> str:
    """Name of the stage that embeds images with an encoder, for done-markers."""
    return f"embed/{encoder.replace('/', '--')}"


def concepts_stage(encoder: str) -> str:
    """Name of the stage that embeds the concepts' own texts."""
    return f"{embed_stage(encoder)}/concepts"


def concept_files(workspace: Workspace, encoder: str) -> tuple[Path, Path]:
    """Array and ids of the concepts' own texts."""
    folder = workspace.root / workspace.embeddings(encoder)
    return folder / "concepts.npy", folder / "concepts.ids.jsonl"


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
    workspace: Workspace,
    encoder: str,
    part: int,
    vectors: FloatArray,
    alignment: Mapping[str, float],
    failures: Mapping[str, str],
) -> Path:
    """Write a shard's files, ids first; returns the array's path, which the marker commits."""
    folder = workspace.embeddings(encoder)
    rows = [{"schema": SCHEMA, "image_id": i, "alignment": a} for i, a in alignment.items()]
    write_atomically(workspace.part(folder, part, ".ids.jsonl"), encode_lines(rows))
    failed = workspace.part(folder, part, ".failed.jsonl")
    if failures:
        lines = [{"schema": SCHEMA, "image_id": i, "reason": r} for i, r in failures.items()]
        write_atomically(failed, encode_lines(lines))
    else:
        failed.unlink(missing_ok=True)
    path = workspace.part(folder, part, ".npy")
    write_array(path, vectors)
    return path


def read_embeddings(workspace: Workspace, encoder: str, digest: str) -> ImageEmbeddings:
    """All embeddings of an encoder.

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
    for part in workspace.parts(f"done/{embed_stage(encoder)}", ".json"):
        path = workspace.part(folder, part, ".npy")
        marker = read_marker(workspace, embed_stage(encoder), part)
        if marker is not None:
            check_part(path, marker)
        arrays.append(read_array(path))
        lines = read_lines(workspace.part(folder, part, ".ids.jsonl"))
        ids += [line["image_id"] for line in lines]
        alignment.update((line["image_id"], line["alignment"]) for line in lines)
        failed = workspace.part(folder, part, ".failed.jsonl")
        if failed.exists():
            failures.update((line["image_id"], line["reason"]) for line in read_lines(failed))
    return ImageEmbeddings(_table(ids, arrays, digest, folder), alignment, failures)


def read_concept_texts(workspace: Workspace, encoder: str, digest: str) -> EmbeddingTable:
    """The concepts' own texts, by slug."""
    array, ids = concept_files(workspace, encoder)
    slugs = [line["concept"] for line in read_lines(ids)]
    return _table(slugs, [read_array(array)], digest, str(array))


def _table(
    ids: Sequence[str], arrays: Sequence[FloatArray], digest: str, where: str
) -> EmbeddingTable:
    filled = [array for array in arrays if len(array)]
    vectors = np.concatenate(filled) if filled else np.zeros((0, 1), dtype=np.float32)
    try:
        return EmbeddingTable(tuple(ids), vectors, digest)
    except ValueError as error:
        raise ChecksumError(f"{where}: {error}; delete it and run embed again") from error
