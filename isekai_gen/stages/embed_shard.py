"""Embed one shard of images in a worker process, or the concepts' own texts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from isekai_gen.embeddings import FloatArray, normalized
from isekai_gen.executors import Control, ShardResult, WorkOnShard
from isekai_gen.models.spec import Device, Encoder, EncoderSpec
from isekai_gen.neighbors.similarity import pair_similarities
from isekai_gen.records import SCHEMA, ImageRecord
from isekai_gen.shards import DoneMarker, encode_lines, write_marker
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.embedding_files import (
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

# Pictures held in memory at a time; a whole number of the encoder's batches.
_AT_ONCE = 64
CONCEPT_TEXTS = -1
"""The part that stands for the concepts' own texts."""


@dataclass(frozen=True)
class EmbedWorker:
    """Embeds shards of one workspace; picklable.

    Attributes:
        root: The workspace.
        spec: Which encoder to load.
        fingerprints: Part to the fingerprint its marker gets.
        own_prompts: Concept slug to the prompts that describe its own appearance.
    """

    root: Path
    spec: EncoderSpec
    fingerprints: Mapping[int, str]
    own_prompts: Mapping[str, Sequence[str]]

    def setup(self, device_name: str) -> WorkOnShard:
        """Load the encoder."""
        from isekai_gen.models.encoders import load_encoder

        encoder = load_encoder(self.spec, Device(device_name))
        return _ShardEmbedder(self, Workspace(self.root), encoder).work_on


@dataclass(frozen=True)
class _ShardEmbedder:
    worker: EmbedWorker
    workspace: Workspace
    encoder: Encoder

    def work_on(self, part: int, control: Control) -> ShardResult:
        if part == CONCEPT_TEXTS:
            return self._embed_concepts(control)
        label = self.worker.spec.label
        images = [record for record in read_drawn_part(self.workspace, part) if record.generated]
        rows: list[FloatArray] = []
        alignment: dict[str, float] = {}
        failures: dict[str, str] = {}
        for start in range(0, len(images), _AT_ONCE):
            control.check()
            batch = images[start : start + _AT_ONCE]
            rows.append(self._embed_batch(batch, alignment, failures))
            control.advance(len(batch))
        vectors = np.concatenate(rows) if rows else self.encoder.encode_images([])
        control.check()
        files = write_shard(self.workspace, label, part, vectors, alignment, failures)
        counts = {"embedded": len(alignment), "failed": len(failures)}
        self._mark(embed_stage(label), part, counts, files)
        messages = tuple(f"{image_id}: not embedded: {why}" for image_id, why in failures.items())
        return ShardResult(part, counts, messages)

    def _embed_batch(
        self,
        records: Sequence[ImageRecord],
        alignment: dict[str, float],
        failures: dict[str, str],
    ) -> FloatArray:
        """Embed what can be opened; fills `alignment` and `failures`."""
        opened: list[tuple[ImageRecord, Image.Image]] = []
        for record in records:
            image, reason = open_recorded(self.workspace, record)
            if image is None:
                failures[record.image_id] = reason
            else:
                opened.append((record, image))
        vectors = self.encoder.encode_images([image for _, image in opened])
        texts = self.encoder.encode_texts([record.planned.prompt for record, _ in opened])
        similarities = pair_similarities(vectors, texts)
        for (record, _), similarity in zip(opened, similarities, strict=True):
            alignment[record.image_id] = float(similarity)
        return vectors

    def _embed_concepts(self, control: Control) -> ShardResult:
        """Each concept's own text: the normalized mean over its prompts' embeddings."""
        label, prompts = self.worker.spec.label, self.worker.own_prompts
        means = [
            self.encoder.encode_texts(list(texts)).astype(np.float64).mean(axis=0)
            for texts in prompts.values()
        ]
        control.check()
        array, ids = concept_files(self.workspace, label)
        lines = [{"schema": SCHEMA, "concept": slug} for slug in prompts]
        write_atomically(ids, encode_lines(lines))
        write_array(array, normalized(np.stack(means)))
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
