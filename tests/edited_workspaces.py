"""Edit a drawn workspace so that it disagrees with what drawing it again gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from isekai_gen.hashing import file_sha256, pixel_sha256
from isekai_gen.records import ImageRecord
from isekai_gen.shards import read_records, write_records
from isekai_gen.stages.pictures import FileStyle, decode_picture, image_bytes
from isekai_gen.workspace import Workspace


def rewrite_records(root: Path, change: Callable[[ImageRecord], ImageRecord]) -> None:
    """Have every record say something else."""
    workspace = Workspace(root)
    for part in workspace.parts("records"):
        path = workspace.part("records", part)
        write_records(path, [change(record) for record in read_records(path, ImageRecord)])
        workspace.done("generate", part).unlink(missing_ok=True)


def change_recorded_pixels(root: Path, by: int = 16) -> None:
    """Have every file and record hold pixels that differ by `by` in each channel."""

    def change(record: ImageRecord) -> ImageRecord:
        path = root / record.path
        pixels = np.asarray(decode_picture(path.read_bytes(), record.suffix))
        changed = np.where(pixels < 128, pixels + by, pixels - by).astype(np.uint8)
        path.write_bytes(image_bytes(changed, record.planned, record.provenance, FileStyle()))
        return replace(record, file_sha256=file_sha256(path), pixel_sha256=pixel_sha256(changed))

    rewrite_records(root, change)
