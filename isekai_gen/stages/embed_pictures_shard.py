"""Look at one shard of a source's pictures in a worker process.

Threads read and decode (Pillow lets others run meanwhile) and prepare pictures for the encoder; the
worker's own thread encodes batches as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.executors import Control, ShardResult, WorkOnShard
from isekai_gen.models.encoder_batches import LateVectors
from isekai_gen.models.encoder_protocols import Encoder, PreparedPicture
from isekai_gen.models.perceptual import PictureHash, PictureHashes, hash_picture
from isekai_gen.models.spec import Device, EncoderSpec
from isekai_gen.shards import DoneMarker, write_marker
from isekai_gen.stages.decoding_ahead import batches_ahead
from isekai_gen.stages.embed_pictures_decode import UnreadablePictureError, decode, refuse_bombs
from isekai_gen.stages.embed_pictures_files import (
    PictureRow,
    part_digest,
    part_files,
    read_places,
    write_hashes,
    write_rows,
)
from isekai_gen.stages.embedding_files import write_array
from isekai_gen.stages.picture_sources import PictureReader, ReadPicture
from isekai_gen.stages.picture_sources_places import PicturePlace
from isekai_gen.workspace import Workspace

# Pictures between two looks at whether to stop, without an encoder.
_AT_ONCE = 64


@dataclass(frozen=True)
class PictureWorker:
    """Looks at shards of one source; picklable.

    Attributes:
        work: Folder of the results.
        stage: Names the results within it.
        reader: Reads the pictures.
        spec: Which encoder to load, or None.
        hashes: Whether perceptual hashes are taken.
        threads: That decode.
        fingerprints: Part to the fingerprint its marker gets.
    """

    work: Path
    stage: str
    reader: PictureReader
    spec: EncoderSpec | None
    hashes: bool
    threads: int
    fingerprints: Mapping[int, str]

    def setup(self, device_name: str) -> WorkOnShard:
        """Load the encoder.

        Raises:
            InputError: If the pictures are not to be seen from here.
        """
        if not self.reader.root.is_dir():
            raise InputError(
                f"{self.reader.root}: no such folder where a worker runs; put the pictures on "
                "storage that all nodes share"
            )
        refuse_bombs()
        encoder = None
        if self.spec is not None:
            from isekai_gen.models.encoders import load_encoder

            encoder = load_encoder(self.spec, Device(device_name))
        return _ShardLooker(self, Workspace(self.work), encoder).work_on


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a thread made of one picture."""

    row: PictureRow
    hash: PictureHash | None = None
    prepared: PreparedPicture | None = None

    @property
    def opened(self) -> bool:
        return not self.row.failure


@dataclass
class _Results:
    """What is known of a shard so far."""

    rows: list[PictureRow] = field(default_factory=list)
    hashes: list[PictureHash] = field(default_factory=list)
    vectors: LateVectors = field(default_factory=LateVectors)


@dataclass(frozen=True)
class _ShardLooker:
    worker: PictureWorker
    work: Workspace
    encoder: Encoder | None

    def work_on(self, part: int, control: Control) -> ShardResult:
        places = read_places(self.work, self.worker.stage, part)
        results = _Results()
        rows = _AT_ONCE if self.encoder is None else self.encoder.batch_rows
        opened = self.worker.reader.open_all(places)
        with closing(batches_ahead(self._look, opened, self.worker.threads, rows)) as batches:
            for batch in batches:
                control.check()
                self._encode(batch, results)
                control.advance(len(batch), sum(bool(seen.row.failure) for seen in batch))
        control.check()
        return self._commit(part, results)

    def _look(self, opened: tuple[PicturePlace, ReadPicture]) -> _Seen:
        place, read = opened
        try:
            decoded = decode(_content(read))
        except UnreadablePictureError as error:
            failed = PictureRow(place.key, place.label, failure=str(error), retry=error.retry)
            return _Seen(failed)
        row = PictureRow(
            place.key,
            place.label,
            *decoded.image.size,
            decoded.file_bytes,
            decoded.byte_sha256,
            decoded.pixel_sha256,
        )
        taken = hash_picture(decoded.image) if self.worker.hashes else None
        prepared = None
        if self.encoder is not None:
            prepared = self.encoder.prepare(decoded.image, decoded.pixels)
        return _Seen(row, taken, prepared)

    def _encode(self, batch: list[_Seen], results: _Results) -> None:
        results.rows += [seen.row for seen in batch]
        results.hashes += [seen.hash for seen in batch if seen.hash is not None]
        prepared = [seen.prepared for seen in batch if seen.prepared is not None]
        if self.encoder is not None and prepared:
            results.vectors.add(self.encoder.start(prepared))

    def _commit(self, part: int, results: _Results) -> ShardResult:
        worker = self.worker
        rows, hashes, vectors = files = part_files(self.work, worker.stage, part)
        write_rows(rows, results.rows)
        if worker.hashes:
            write_hashes(hashes, PictureHashes.of(results.hashes))
        if self.encoder is not None:
            write_array(vectors, results.vectors.all(self.encoder.dim))
        failed = sum(bool(row.failure) for row in results.rows)
        counts = {
            "looked_at": len(results.rows) - failed,
            "failed": failed,
            "retry": sum(row.retry for row in results.rows),
        }
        marker = DoneMarker(
            worker.stage, part, worker.fingerprints[part], counts, part_digest(files)
        )
        write_marker(self.work, marker)
        return ShardResult(part, counts)


def _content(read: ReadPicture) -> bytes:
    try:
        return read()
    except OSError as error:
        raise UnreadablePictureError(
            f"cannot be read ({error.strerror or error})", retry=True
        ) from error
    except ValueError as error:
        raise UnreadablePictureError(str(error)) from error
