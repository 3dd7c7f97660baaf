"""Embed the images of some classes, or their names, in a worker process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from isekai_gen.errors import InputError
from isekai_gen.executors import Control, ShardResult, WorkOnShard
from isekai_gen.models.encoder_protocols import Encoder, PendingVectors, PreparedPicture
from isekai_gen.models.spec import Device, EncoderSpec
from isekai_gen.shards import DoneMarker, write_marker
from isekai_gen.stages.class_embeddings_files import (
    ClassSums,
    files_digest,
    read_class_images,
    sum_files,
    text_file,
    write_sums,
)
from isekai_gen.stages.decoding_ahead import batches_ahead
from isekai_gen.stages.embed_pictures_decode import UnreadablePictureError, decode, refuse_bombs
from isekai_gen.stages.embedding_files import write_array
from isekai_gen.stages.picture_sources_places import too_large
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class ClassJob:
    """What the shards of one run have in common; picklable.

    Attributes:
        workspace: Its folder.
        stage: Names the results within it.
        spec: Which encoder to load.
        fingerprints: Part to the fingerprint its marker gets.
    """

    workspace: Path
    stage: str
    spec: EncoderSpec
    fingerprints: Mapping[int, str]

    def mark(self, part: int, counts: Mapping[str, int], files: Sequence[Path]) -> ShardResult:
        """Commit a shard."""
        marker = DoneMarker(self.stage, part, self.fingerprints[part], counts, files_digest(files))
        write_marker(Workspace(self.workspace), marker)
        return ShardResult(part, counts)


@dataclass(frozen=True)
class NamesWorker:
    """Embeds shards of bare names; picklable.

    Attributes:
        job: As `ClassJob`.
        names: Part to its names.
    """

    job: ClassJob
    names: Mapping[int, tuple[str, ...]]

    def setup(self, device_name: str) -> WorkOnShard:
        from isekai_gen.models.encoders import load_text_encoder

        encoder = load_text_encoder(self.job.spec, Device(device_name))
        workspace = Workspace(self.job.workspace)

        def work_on(part: int, control: Control) -> ShardResult:
            names, vectors = self.names[part], []
            for start in range(0, len(names), encoder.batch_rows):
                control.check()
                batch = names[start : start + encoder.batch_rows]
                vectors.append(encoder.encode_texts(batch))
                control.advance(len(batch))
            path = text_file(workspace, self.job.stage, part)
            write_array(path, np.concatenate(vectors))
            return self.job.mark(part, {"names": len(names)}, [path])

        return work_on


@dataclass(frozen=True)
class ClassMeansWorker:
    """Embeds the images of shards of classes, and keeps their sums alone; picklable.

    Attributes:
        job: As `ClassJob`.
        root: The dataset's folder.
        threads: That decode.
    """

    job: ClassJob
    root: Path
    threads: int

    def setup(self, device_name: str) -> WorkOnShard:
        """Load the encoder.

        Raises:
            InputError: If the images are not to be seen from here.
        """
        if not self.root.is_dir():
            raise InputError(
                f"{self.root}: no such folder where a worker runs; put the images on storage that "
                "all nodes share"
            )
        from isekai_gen.models.encoders import load_encoder

        refuse_bombs()
        return _ClassSummer(self, load_encoder(self.job.spec, Device(device_name))).work_on


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a thread made of one image."""

    row: int
    path: str
    prepared: PreparedPicture | None = None
    reason: str = ""
    retry: bool = False

    @property
    def opened(self) -> bool:
        return self.prepared is not None


@dataclass
class _Shard:
    """What is known of a shard so far."""

    sums: ClassSums
    failures: dict[str, str] = field(default_factory=dict)
    retry: int = 0
    late: tuple[PendingVectors, list[int]] | None = None

    def add(self, pending: PendingVectors | None, rows: list[int]) -> None:
        """Add up the batch before this one, whose vectors have come meanwhile."""
        if self.late is not None:
            vectors, rows_of = self.late
            # Without a buffer: row after row, so that sums do not depend on where batches end.
            np.add.at(self.sums.unit, rows_of, vectors.result())
            np.add.at(self.sums.raw, rows_of, vectors.raw())
            np.add.at(self.sums.counts, rows_of, 1)
        self.late = None if pending is None else (pending, rows)


@dataclass(frozen=True)
class _ClassSummer:
    worker: ClassMeansWorker
    encoder: Encoder

    def work_on(self, part: int, control: Control) -> ShardResult:
        worker, job = self.worker, self.worker.job
        workspace = Workspace(job.workspace)
        classes = read_class_images(workspace, job.stage, part)
        shard = _Shard(ClassSums.zeros(len(classes), self.encoder.dim))
        places = ((row, path) for row, entry in enumerate(classes) for path in entry.images)
        ahead = batches_ahead(self._look, places, worker.threads, self.encoder.batch_rows)
        with closing(ahead) as batches:
            self._sum(batches, shard, control)
        control.check()
        files = sum_files(workspace, job.stage, part)
        write_sums(files, shard.sums, shard.failures)
        counts = {
            "embedded": int(shard.sums.counts.sum()),
            "failed": len(shard.failures),
            "retry": shard.retry,
        }
        return job.mark(part, counts, files)

    def _look(self, place: tuple[int, str]) -> _Seen:
        row, path = place
        try:
            decoded = decode(_content(self.worker.root / path))
        except UnreadablePictureError as error:
            return _Seen(row, path, reason=str(error), retry=error.retry)
        return _Seen(row, path, self.encoder.prepare(decoded.image))

    def _sum(self, batches: Iterator[list[_Seen]], shard: _Shard, control: Control) -> None:
        for batch in batches:
            control.check()
            failed = [seen for seen in batch if not seen.opened]
            shard.failures |= {seen.path: seen.reason for seen in failed}
            shard.retry += sum(seen.retry for seen in failed)
            prepared = [seen.prepared for seen in batch if seen.prepared is not None]
            if prepared:
                shard.add(self.encoder.start(prepared), [s.row for s in batch if s.opened])
            control.advance(len(batch), len(failed))
        shard.add(None, [])


def _content(path: Path) -> bytes:
    try:
        refusal = too_large(path.stat().st_size)
        content = b"" if refusal else path.read_bytes()
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        raise UnreadablePictureError(reason, retry=True) from error
    if refusal:
        raise UnreadablePictureError(refusal)
    return content
