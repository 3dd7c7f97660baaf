"""The embeddings of all shards of a source as one file, which is memory-mapped."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.lib.format import open_memmap

from isekai_gen.embeddings import FloatArray
from isekai_gen.hashing import digest_of
from isekai_gen.shards import DoneMarker, modified_ns, read_marker, write_marker
from isekai_gen.stages.embed_pictures_files import part_files
from isekai_gen.stages.embedding_files import read_array
from isekai_gen.storage import storage_errors, sync_folder, temporary_name
from isekai_gen.workspace import Workspace


def joined_vectors(work: Workspace, stage: str, markers: Sequence[DoneMarker]) -> FloatArray:
    """The rows of all shards, in their order; memory holds one shard at a time.

    Args:
        work: Where the shards lie.
        stage: Their stage.
        markers: The done-markers of all shards, in order.

    Returns:
        float32 [n, d], memory-mapped, read-only.

    Raises:
        ChecksumError: If a shard's file is damaged.
        StorageError: If the disk is full.
    """
    path = work.root / stage / "vectors.npy"
    digest = digest_of([marker.digest for marker in markers])
    count = sum(marker.counts["looked_at"] for marker in markers)
    joined_stage = f"{stage}/vectors"
    known = read_marker(work, joined_stage, 0)
    # Written by us alone and before its marker: a later change would show in its time.
    written, marked = modified_ns(path), modified_ns(work.done(joined_stage, 0))
    fresh = written is not None and marked is not None and written <= marked
    if known is None or known.digest != digest or not fresh:
        _join(work, stage, len(markers), count)
        write_marker(work, DoneMarker(joined_stage, 0, digest, {"looked_at": count}, digest))
    vectors: FloatArray = np.load(path, mmap_mode="r", allow_pickle=False)
    return vectors


def _join(work: Workspace, stage: str, parts: int, count: int) -> None:
    path = work.root / stage / "vectors.npy"
    temporary = path.with_name(temporary_name(path.name))
    with storage_errors(path):
        joined, row = None, 0
        for part in range(parts):
            vectors = read_array(part_files(work, stage, part)[2])
            if joined is None:
                joined = open_memmap(
                    temporary, mode="w+", dtype=np.float32, shape=(count, vectors.shape[1])
                )
            joined[row : row + len(vectors)] = vectors
            row += len(vectors)
        del joined
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
