"""Images of a small workspace with their rows and bytes, and containers of them."""

import json
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.hashing import canonical_json
from isekai_gen.release.columns import METADATA_COLUMNS
from isekai_gen.release.containers.parquet_images import ParquetImages
from isekai_gen.release.containers.sinks import MetadataLine
from isekai_gen.release.containers.tar_shards import TarShard
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.tables import metadata_row
from tests.release.conftest import CONCEPTS, SmallWorkspace

SLUGS = [concept.slug for concept in CONCEPTS]


@dataclass(frozen=True)
class Packed:
    """An image as sinks take it."""

    image: ReleasedImage
    row: dict
    content: bytes


def packed_images(small: SmallWorkspace) -> list[Packed]:
    packed = []
    for image in small.content.released_images():
        content = (small.workspace.root / image.record.path).read_bytes()
        row = metadata_row(image, len(content), image.record.file_sha256)
        # As metadata.jsonl has it: lists, no tuples.
        packed.append(Packed(image, json.loads(canonical_json(row)), content))
    return packed


def write_parquet(path: Path, packed: list[Packed]) -> Path:
    with path.open("wb") as file:
        _fill(ParquetImages(file, METADATA_COLUMNS, SLUGS), packed)
    return path


def write_tar(path: Path, packed: list[Packed]) -> Path:
    with path.open("wb") as file:
        _fill(TarShard(file), packed)
    return path


def _fill(sink, packed: list[Packed]) -> None:
    for each in packed:
        sink.add(each.image, MetadataLine.of(each.row), each.content)
    sink.close()


def arrow():
    """`pyarrow` with `pyarrow.parquet`, imported when a test runs."""
    import pyarrow
    import pyarrow.parquet

    return pyarrow
