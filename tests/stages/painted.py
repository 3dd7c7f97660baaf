"""A workspace whose pictures a test paints itself: real files, records and markers."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from isekai_gen.hashing import file_sha256, pixel_sha256
from isekai_gen.records import ImageRecord
from isekai_gen.shards import read_marker, read_records, write_marker, write_records
from isekai_gen.stages.drawn import STAGE, read_drawn
from isekai_gen.workspace import Workspace


def scene(seed: int, side: int = 64) -> Image.Image:
    """Smooth random fields of color: unlike the scene of any other seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)


def blank(level: int = 0, side: int = 64) -> Image.Image:
    return Image.new("RGB", (side, side), (level, level, level))


def paint(root: Path, pictures: Mapping[str, Image.Image]) -> None:
    """Replace pictures by image id, as if they had been drawn so."""
    workspace = Workspace(root)
    for part in workspace.parts("records"):
        path = workspace.part("records", part)
        rows = [
            _painted(workspace, record, pictures.get(record.image_id))
            for record in read_records(path, ImageRecord)
        ]
        write_records(path, rows)
        marker = read_marker(workspace, STAGE, part)
        write_marker(workspace, replace(marker, digest=file_sha256(path)))


def _painted(workspace: Workspace, record: ImageRecord, picture: Image.Image | None) -> ImageRecord:
    if picture is None:
        return record
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    content = buffer.getvalue()
    workspace.image(record.concept, record.image_id, record.suffix).write_bytes(content)
    return replace(
        record,
        file_sha256=hashlib.sha256(content).hexdigest(),
        pixel_sha256=pixel_sha256(np.asarray(picture)),
    )


def ids_of(root: Path) -> list[str]:
    return [record.image_id for record in read_drawn(Workspace(root))]


def paint_scenes(root: Path) -> list[str]:
    """Every picture a scene of its own; returns the image ids."""
    ids = ids_of(root)
    paint(root, {image_id: scene(number) for number, image_id in enumerate(ids)})
    return ids
