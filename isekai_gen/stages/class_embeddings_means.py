"""Embed the images of classes, and take each class's mean.

Workers keep sums over each class's embeddings alone, so memory does not grow with the images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray, normalized
from isekai_gen.errors import InputError
from isekai_gen.hashing import digest_of
from isekai_gen.neighbors.class_features import Similarity
from isekai_gen.stages.class_embeddings_encoder import ClassEncoder
from isekai_gen.stages.class_embeddings_files import (
    ClassImages,
    is_shard_done,
    read_sums,
    sum_files,
    write_class_images,
)
from isekai_gen.stages.class_embeddings_shard import ClassJob, ClassMeansWorker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.decoding_ahead import decode_threads
from isekai_gen.stages.fingerprints import forget_shard
from isekai_gen.stages.reporting import first_few

_SHARD_IMAGES = {"cpu": 1024, "cuda": 8192}
_MEANS = "neighbors/class-means"


def embed_means(
    encoder: ClassEncoder, root: Path, chosen: Sequence[ClassImages], similarity: Similarity
) -> tuple[list[int], FloatArray]:
    """The mean of each class's images.

    Args:
        encoder: What embeds.
        root: The dataset's folder.
        chosen: Classes and their images.
        similarity: "lcl" for means over embeddings as they are given, "cosine" over unit ones.

    Returns:
        Which classes have an image that can be opened, by their position in `chosen`, and the
        normalized means of these, float32 [n, d].

    Raises:
        InputError: If there is no such class.
    """
    context, workspace = encoder.context, encoder.context.workspace
    shards = list(_shards(chosen, _SHARD_IMAGES[encoder.profile["device"]]))
    most = max(len(entry.images) for entry in chosen)
    stage = encoder.stage(_MEANS, [str(root), most, [entry.key for entry in chosen]])
    files = {part: sum_files(workspace, stage, part) for part in range(len(shards))}
    prints = {
        part: encoder.fingerprint([str(root), [_state(root, entry) for entry in shard]])
        for part, shard in enumerate(shards)
    }
    todo = {
        part: shard
        for part, shard in enumerate(shards)
        if not is_shard_done(workspace, stage, part, prints[part], files[part])
    }
    if todo:
        for part, shard in todo.items():
            forget_shard(workspace, stage, part)
            write_class_images(workspace, stage, part, shard)
        job = ClassJob(workspace.root.resolve(), stage, encoder.spec, prints)
        worker = ClassMeansWorker(job, root, decode_threads(context, encoder.devices, len(todo)))
        sizes = {part: sum(len(entry.images) for entry in shard) for part, shard in todo.items()}
        encoder.run(worker, f"Embedding images of {len(chosen)} classes", sizes)
    return _means(context, chosen, [files[part] for part in range(len(shards))], similarity)


def _shards(chosen: Sequence[ClassImages], images: int) -> Iterator[list[ClassImages]]:
    """Classes in turn, about so many images at a time; a class is never split."""
    shard: list[ClassImages] = []
    held = 0
    for entry in chosen:
        shard.append(entry)
        held += len(entry.images)
        if held >= images:
            yield shard
            shard, held = [], 0
    if shard:
        yield shard


def _state(root: Path, entry: ClassImages) -> str:
    """What tells, without reading a class's images, that they changed."""
    return digest_of([entry.key, [[path, *_size_and_time(root / path)] for path in entry.images]])


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # the worker says why it cannot be read
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _means(
    context: StageContext,
    chosen: Sequence[ClassImages],
    files: Sequence[tuple[Path, Path]],
    similarity: Similarity,
) -> tuple[list[int], FloatArray]:
    totals: list[npt.NDArray[np.float64]] = []
    counts: list[npt.NDArray[np.int64]] = []
    failures: dict[str, str] = {}
    for pair in files:
        sums, failed = read_sums(pair)
        totals.append(sums.raw if similarity == "lcl" else sums.unit)
        counts.append(sums.counts)
        failures |= failed
    _tell_failures(context, failures)
    summed = np.concatenate(counts)
    rows = np.flatnonzero(summed)
    left_out = [entry.key for entry, count in zip(chosen, summed, strict=True) if not count]
    if left_out:
        context.reporter.note(
            f"{len(left_out)} classes are left out, for not one of their images can be used: "
            + first_few(left_out)
        )
    if not len(rows):
        path, why = next(iter(failures.items()))
        raise InputError(f"not one image of {len(chosen)} classes can be used; {path} {why}")
    try:
        return rows.tolist(), normalized(np.concatenate(totals)[rows])
    except ValueError as error:
        raise InputError(
            f"the embeddings of a class's images cancel out ({error}); use another --encoder"
        ) from error


def _tell_failures(context: StageContext, failures: Mapping[str, str]) -> None:
    if failures:
        reasons = [f"{path} {why}" for path, why in failures.items()]
        context.reporter.note(f"{len(failures)} images cannot be used: {first_few(reasons, '; ')}")
