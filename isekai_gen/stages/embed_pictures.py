"""Digests, perceptual hashes and embeddings of any source's pictures, by shards that are resumed.

Everything is kept under `out/work`, a cache: a shard whose pictures, encoder or versions changed is
done again. The source is only read.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.executors import run_shards
from isekai_gen.models.encoder_batches import BATCH_ROWS
from isekai_gen.models.encoder_files import encoder_library, identify_encoder
from isekai_gen.models.perceptual import PictureHashes
from isekai_gen.models.spec import EncoderSpec
from isekai_gen.shards import DoneMarker, read_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.decoding_ahead import decode_threads
from isekai_gen.stages.embed_pictures_files import (
    PictureRow,
    part_digest,
    part_files,
    read_hashes,
    read_rows,
    stage_of,
    write_places,
)
from isekai_gen.stages.embed_pictures_seen import EmbeddedPictures
from isekai_gen.stages.embed_pictures_shard import PictureWorker
from isekai_gen.stages.embed_pictures_vectors import joined_vectors
from isekai_gen.stages.fingerprints import fingerprint_of, forget_shard
from isekai_gen.stages.looks_measures import LOOK_VERSION
from isekai_gen.stages.picture_sources import PictureSource
from isekai_gen.stages.workers import common_profile, for_engine
from isekai_gen.workspace import Workspace

__all__ = ["EmbeddedPictures", "embed_pictures"]

SHARD_SIZE = 1024
"""Pictures that are done again after a crash, at most, for each worker."""
_GPU_SHARD_SIZE = 8192
"""The same on a GPU, which does as many in seconds; at each shard's end it waits a little."""
_CPU = ("cpu",)


@dataclass(frozen=True)
class _Job:
    """One run over one source.

    Attributes:
        source: The pictures.
        spec: The encoder, or None.
        identity: Of the encoder, or "".
        hashes: Whether perceptual hashes are taken.
        work: Where the results lie.
        devices: Where to compute.
        profile: What the results depend on besides pictures and encoder.
    """

    source: PictureSource
    spec: EncoderSpec | None
    identity: str
    hashes: bool
    work: Workspace
    devices: Sequence[str]
    profile: Mapping[str, str]

    @property
    def stage(self) -> str:
        return stage_of(self.spec.label if self.spec else "", self.identity)


def embed_pictures(
    context: StageContext,
    source: PictureSource,
    encoder: EncoderSpec | None,
    out: Path,
    *,
    hashes: bool,
) -> EmbeddedPictures:
    """Look at every picture that was not looked at yet, or that changed since.

    The caller holds the lock of `context.workspace`.

    Args:
        context: Reporter, devices and engine; its settings do not matter.
        source: The pictures.
        encoder: What embeds them; None for digests and hashes alone.
        out: Folder whose `work` keeps the results; of this source alone.
        hashes: Whether perceptual hashes are taken.

    Raises:
        InputError: If not one picture can be used.
        ModelError: If the encoder cannot be found or loaded.
    """
    devices = list(_CPU) if encoder is None else context.device_names()
    job = _Job(
        source=source,
        spec=encoder,
        identity="" if encoder is None else identify_encoder(encoder),
        hashes=hashes,
        work=Workspace(out / "work"),
        devices=devices,
        profile=_profile(context, encoder, devices),
    )
    shards = source.shards(SHARD_SIZE if devices == ["cpu"] else _GPU_SHARD_SIZE)
    prints = _fingerprints(job, shards)
    todo = {part: shard for part, shard in enumerate(shards) if not _is_done(job, part, prints)}
    if todo:
        _look(context, job, todo, prints)
    return _gathered(job, len(shards))


def _profile(
    context: StageContext, encoder: EncoderSpec | None, devices: Sequence[str]
) -> dict[str, str]:
    """What the results depend on besides pictures and encoder."""
    if encoder is None and context.engine.name == "local":
        # Without an encoder there is no torch to ask, nor to wait for.
        return {name: importlib.metadata.version(name) for name in ("numpy", "pillow")}
    return common_profile(devices, "float32", context.engine)


def _fingerprints(job: _Job, shards: Sequence[range]) -> dict[int, str]:
    settings: dict[str, Any] = {"encoder": job.identity, "profile": job.profile}
    if job.hashes:
        settings["hashes"] = [LOOK_VERSION, importlib.metadata.version("ImageHash")]
    if job.spec is not None:
        settings |= encoder_library(job.spec)
        settings["batch_rows"] = BATCH_ROWS[job.profile["device"]]
    root = str(job.source.reader.root)
    return {
        part: fingerprint_of(settings, [root, [list(job.source.places[row]) for row in shard]])
        for part, shard in enumerate(shards)
    }


def _look(
    context: StageContext, job: _Job, todo: Mapping[int, range], prints: Mapping[int, str]
) -> None:
    """Have workers look at some shards."""
    for part, shard in todo.items():
        forget_shard(job.work, job.stage, part)
        write_places(job.work, job.stage, part, [job.source.places[row] for row in shard])
    worker = PictureWorker(
        work=job.work.root.resolve(),
        stage=job.stage,
        reader=job.source.reader,
        spec=job.spec,
        hashes=job.hashes,
        threads=decode_threads(context, job.devices, len(todo)),
        fingerprints={part: prints[part] for part in todo},
    )
    ready = for_engine(worker, context, job.profile)
    title = f"Looking at {job.source.path.name or 'pictures'}"
    with context.reporter.task(title, sum(map(len, todo.values()))) as advance:
        run_shards(ready, list(todo), job.devices, advance, context.engine)


def _is_done(job: _Job, part: int, prints: Mapping[int, str]) -> bool:
    marker = read_marker(job.work, job.stage, part)
    return (
        marker is not None
        and marker.fingerprint == prints[part]
        and not marker.counts["retry"]
        and part_digest(part_files(job.work, job.stage, part)) == marker.digest
    )


def _gathered(job: _Job, parts: int) -> EmbeddedPictures:
    """The results of all shards."""
    rows: list[PictureRow] = []
    hashes: list[PictureHashes] = []
    markers: list[DoneMarker] = []
    failures = dict(job.source.refused)
    for part in range(parts):
        row_file, hash_file, _ = part_files(job.work, job.stage, part)
        for row in read_rows(row_file):
            if row.failure:
                failures[row.key] = row.failure
            else:
                rows.append(row)
        if job.hashes:
            hashes.append(read_hashes(hash_file))
        marker = read_marker(job.work, job.stage, part)
        if marker is None:
            raise ValueError(f"shard {part} of {job.stage} is not done")
        markers.append(marker)
    if not rows:
        key, reason = next(iter(failures.items()))
        raise InputError(
            f"{job.source.path}: none of {len(failures)} pictures can be used; {key} {reason}"
        )
    return EmbeddedPictures(
        rows=tuple(rows),
        vectors=joined_vectors(job.work, job.stage, markers) if job.spec else None,
        hashes=PictureHashes.joined(hashes) if job.hashes else None,
        failures=failures,
        unread=sum(marker.counts["retry"] for marker in markers),
        encoder=job.identity,
    )
