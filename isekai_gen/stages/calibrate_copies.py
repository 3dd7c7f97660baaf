"""Plant copies of sampled images in workers, and measure how alike copy and original are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from isekai_gen.errors import ChecksumError
from isekai_gen.executors import Control, ShardResult, WorkOnShard, run_shards
from isekai_gen.models.encoder_protocols import Encoder
from isekai_gen.models.perceptual import PictureHashes, hash_picture
from isekai_gen.models.spec import Device, EncoderSpec
from isekai_gen.neighbors.hamming import find_hash_pairs
from isekai_gen.neighbors.similarity import IndexArray, indexed_similarities
from isekai_gen.records import ImageRecord
from isekai_gen.stages.calibration_files import CalibratedTier
from isekai_gen.stages.calibration_rule import NO_NEAR_MISS, Similarities
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.embed_shard import open_recorded
from isekai_gen.stages.embedding_files import read_array, write_array
from isekai_gen.stages.planting import TRANSFORMATIONS, plant_copies
from isekai_gen.stages.workers import common_profile, for_engine
from isekai_gen.workspace import Workspace

KINDS = tuple(TRANSFORMATIONS)
# With its 23 copies each, four originals fill three batches of an encoder.
_AT_ONCE = 4
_SHARD_SIZE = 16


@dataclass(frozen=True)
class CopyWorker:
    """Plants copies of sampled images and measures them; picklable.

    Attributes:
        root: The workspace.
        folder: Where each shard's similarities go, as part-00000.npy.
        images: Shard to its sampled images.
        encoders: Tier to the encoder that measures it; None for perceptual hashes.
        widest_radius: Hashes that differ in more bits are not compared.
        seed: Of the copies.
    """

    root: Path
    folder: Path
    images: Mapping[int, Sequence[ImageRecord]]
    encoders: Mapping[CalibratedTier, EncoderSpec | None]
    widest_radius: int
    seed: int

    def setup(self, device_name: str) -> WorkOnShard:
        """Load the encoders."""
        return _ShardPlanter(self, [self._measure(e, device_name) for e in self.encoders.values()])

    def _measure(self, spec: EncoderSpec | None, device_name: str) -> Measure:
        if spec is None:
            return _HashMeasure(self.widest_radius)
        from isekai_gen.models.encoders import load_encoder

        return _EncoderMeasure(load_encoder(spec, Device(device_name)))


Measure = Callable[[Sequence[Image.Image]], Similarities]
"""From n originals, each followed by its copies, to float64 [n, kinds]."""


@dataclass(frozen=True)
class _ShardPlanter:
    worker: CopyWorker
    measures: Sequence[Measure]

    def __call__(self, part: int, control: Control) -> ShardResult:
        images = self.worker.images[part]
        found: list[Similarities] = []
        for start in range(0, len(images), _AT_ONCE):
            control.check()
            batch = images[start : start + _AT_ONCE]
            pictures = [picture for image in batch for picture in self._planted(image)]
            found.append(np.stack([measure(pictures) for measure in self.measures]))
            control.advance(len(batch))
        # One matrix: a row for each tier and image, a column for each kind.
        rows = np.concatenate(found, axis=1).reshape(-1, len(KINDS))
        write_array(self.worker.folder / f"part-{part:05d}.npy", rows.astype(np.float32))
        return ShardResult(part, {"planted": len(images)})

    def _planted(self, record: ImageRecord) -> list[Image.Image]:
        image, reason = open_recorded(Workspace(self.worker.root), record)
        if image is None:
            raise ChecksumError(f"{record.path}: {reason}; run `isekai-gen generate` to restore it")
        return [image, *plant_copies(image, f"{self.worker.seed}/{record.image_id}")]


@dataclass(frozen=True)
class _EncoderMeasure:
    encoder: Encoder

    def __call__(self, pictures: Sequence[Image.Image]) -> Similarities:
        vectors = self.encoder.encode_images(pictures)
        copies = _copy_rows(len(pictures))
        originals = np.repeat(copies[:, :1] - 1, len(KINDS), axis=1)
        similarity = indexed_similarities(vectors, originals.ravel(), vectors, copies.ravel())
        return similarity.reshape(copies.shape)


@dataclass(frozen=True)
class _HashMeasure:
    widest_radius: int

    def __call__(self, pictures: Sequence[Image.Image]) -> Similarities:
        hashes = PictureHashes.of([hash_picture(picture) for picture in pictures])
        copies = _copy_rows(len(pictures))
        similarity = np.full(copies.shape, NO_NEAR_MISS)
        for place, rows in enumerate(copies):
            original = hashes.take(rows[:1] - 1)
            pairs = find_hash_pairs(hashes.take(rows), self.widest_radius, against=original)
            similarity[place, pairs.row_a] = pairs.similarity
        return similarity


def _copy_rows(pictures: int) -> IndexArray:
    """Rows of the copies, [originals, kinds]; each original lies just before its first copy."""
    rows: IndexArray = np.arange(pictures, dtype=np.int64).reshape(-1, 1 + len(KINDS))
    return rows[:, 1:]


def measure_copies(
    context: StageContext,
    sampled: Sequence[ImageRecord],
    encoders: Mapping[CalibratedTier, EncoderSpec | None],
    widest_radius: int,
    seed: int,
) -> dict[CalibratedTier, Similarities]:
    """Similarity of every planted copy to its original.

    Args:
        context: The workspace, locked.
        sampled: Images to copy, at least one.
        encoders: Tier to its encoder; None for perceptual hashes.
        widest_radius: Hashes that differ in more bits count as `NO_NEAR_MISS`.
        seed: Of the copies.

    Returns:
        Tier to float64 [images, kinds] of float32 numbers, kinds as in `KINDS`.

    Raises:
        ChecksumError: If an image is not what its record says.
        ModelError: If an encoder cannot be loaded.
    """
    shards = range(0, len(sampled), _SHARD_SIZE)
    images = {part: sampled[start : start + _SHARD_SIZE] for part, start in enumerate(shards)}
    # Hashing is work for processor cores; a GPU would stand idle.
    devices = context.device_names() if any(encoders.values()) else ["cpu"]
    profile = common_profile(devices, "float32", context.engine)
    root = context.workspace.root.resolve()
    with (
        context.workspace.staging("calibration") as folder,
        context.reporter.task("Planting copies", len(sampled)) as advance,
    ):
        worker = CopyWorker(root, folder.resolve(), images, encoders, widest_radius, seed)
        ready = for_engine(worker, context, profile)
        run_shards(ready, list(images), devices, advance, context.engine)
        parts = [read_array(folder / f"part-{part:05d}.npy") for part in images]
    by_tier = [part.reshape(len(encoders), -1, len(KINDS)) for part in parts]
    joined = np.concatenate(by_tier, axis=1).astype(np.float64)
    return dict(zip(encoders, joined, strict=True))
