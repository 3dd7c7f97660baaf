"""Embed one shard of images in a worker process, or the concepts' own texts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from isekai_gen.executors import Control, ShardResult, WorkOnShard
from isekai_gen.models.encoder_batches import LateVectors
from isekai_gen.models.encoder_protocols import Encoder, PreparedPicture, TextEncoder
from isekai_gen.models.spec import Device, EncoderSpec
from isekai_gen.records import SCHEMA, ImageRecord
from isekai_gen.shards import DoneMarker, encode_lines, write_marker
from isekai_gen.stages.decoding_ahead import batches_ahead
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.embed_words import ConceptWords, concept_rows, prompt_similarities
from isekai_gen.stages.embedding_files import (
    ShardEmbeddings,
    concept_files,
    concepts_stage,
    embed_stage,
    files_digest,
    write_array,
    write_shard,
)
from isekai_gen.stages.pictures import decode_picture
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

CONCEPT_TEXTS = -1
"""The part that stands for the concepts' own texts."""


@dataclass(frozen=True)
class EmbedWorker:
    """Embeds shards of one workspace; picklable.

    Attributes:
        root: The workspace.
        spec: Which encoder to load.
        fingerprints: Part to the fingerprint its marker gets.
        words: What is embedded of the concepts; None for an encoder of pictures only.
        threads: That decode.
    """

    root: Path
    spec: EncoderSpec
    fingerprints: Mapping[int, str]
    words: ConceptWords | None
    threads: int

    def setup(self, device_name: str) -> WorkOnShard:
        """Load the encoder."""
        from isekai_gen.models.encoders import load_encoder, load_text_encoder

        device, workspace = Device(device_name), Workspace(self.root)
        if self.words is None:
            return _ShardEmbedder(self, workspace, load_encoder(self.spec, device)).work_on
        encoder = load_text_encoder(self.spec, device)
        return _ShardEmbedder(self, workspace, encoder, _Reader(encoder, self.words)).work_on


@dataclass(frozen=True)
class _Reader:
    """What reads the words, where the encoder does."""

    encoder: TextEncoder
    words: ConceptWords


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a thread made of one image."""

    record: ImageRecord
    reason: str
    prepared: PreparedPicture | None

    @property
    def opened(self) -> bool:
        return self.prepared is not None


@dataclass(frozen=True)
class _ShardEmbedder:
    worker: EmbedWorker
    workspace: Workspace
    encoder: Encoder
    reader: _Reader | None = None

    def work_on(self, part: int, control: Control) -> ShardResult:
        if part == CONCEPT_TEXTS and self.reader is not None:
            return self._embed_concepts(self.reader, control)
        label = self.worker.spec.label
        embeddings = self._embed(part, control)
        control.check()
        files = write_shard(self.workspace, label, part, embeddings)
        counts = {"embedded": len(embeddings.ids), "failed": len(embeddings.failures)}
        self._mark(embed_stage(label), part, counts, files)
        messages = tuple(f"{i}: not embedded: {why}" for i, why in embeddings.failures.items())
        return ShardResult(part, counts, messages)

    def _embed(self, part: int, control: Control) -> ShardEmbeddings:
        images = [record for record in read_drawn_part(self.workspace, part) if record.generated]
        opened: list[ImageRecord] = []
        failures: dict[str, str] = {}
        late = LateVectors()
        ahead = batches_ahead(self._look, images, self.worker.threads, self.encoder.batch_rows)
        with closing(ahead) as batches:
            for batch in batches:
                control.check()
                failures |= {seen.record.image_id: seen.reason for seen in batch if seen.reason}
                opened += [seen.record for seen in batch if seen.opened]
                prepared = [seen.prepared for seen in batch if seen.prepared is not None]
                if prepared:
                    late.add(self.encoder.start(prepared))
                control.advance(len(batch))
        vectors = late.all(self.encoder.dim)
        ids = tuple(record.image_id for record in opened)
        alignment = None
        if self.reader is not None:
            prompts = [record.planned.prompt for record in opened]
            alignment = prompt_similarities(vectors, prompts, self.reader.encoder)
        return ShardEmbeddings(ids, vectors, alignment, failures)

    def _look(self, record: ImageRecord) -> _Seen:
        image, reason = open_recorded(self.workspace, record)
        return _Seen(record, reason, None if image is None else self.encoder.prepare(image))

    def _embed_concepts(self, reader: _Reader, control: Control) -> ShardResult:
        label = self.worker.spec.label
        names, vectors = concept_rows(reader.words, self.worker.spec, reader.encoder)
        control.check()
        array, ids = concept_files(self.workspace, label)
        lines = [{"schema": SCHEMA, "concept": name} for name in names]
        write_atomically(ids, encode_lines(lines))
        write_array(array, vectors)
        counts = {"embedded": len(lines), "failed": 0}
        self._mark(concepts_stage(label), CONCEPT_TEXTS, counts, (array, ids))
        return ShardResult(CONCEPT_TEXTS, counts)

    def _mark(
        self, stage: str, part: int, counts: Mapping[str, int], files: tuple[Path, Path]
    ) -> None:
        fingerprint = self.worker.fingerprints[part]
        marker = DoneMarker(stage, max(part, 0), fingerprint, counts, files_digest(files))
        write_marker(self.workspace, marker)


def open_recorded(workspace: Workspace, record: ImageRecord) -> tuple[Image.Image | None, str]:
    """A generated image, if its file holds the recorded bytes; otherwise None and the reason."""
    path = workspace.image(record.concept, record.image_id, record.suffix)
    try:
        content = path.read_bytes()
    except OSError as error:
        return None, f"cannot be read ({error.strerror})"
    if hashlib.sha256(content).hexdigest() != record.file_sha256:
        return None, "its bytes are not those recorded; run generate again to restore it"
    try:
        return decode_picture(content, record.suffix), ""
    except ValueError as error:
        return None, str(error)
