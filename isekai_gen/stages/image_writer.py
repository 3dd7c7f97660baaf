"""Write pictures in threads beside the drawing: encode, hash, and put into place durably.

A GPU draws faster than one core encodes. Pillow, zlib and SHA-256 release Python's lock, so threads
are enough. A picture is whole under its name or not there; it counts once its record is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from isekai_gen.cores import usable_cores
from isekai_gen.hashing import pixel_sha256
from isekai_gen.models.spec import Device, DrawnImage
from isekai_gen.records import ImageRecord, PlannedImage, Provenance
from isekai_gen.stages.pictures import FileStyle, image_bytes
from isekai_gen.storage import replace_file, sync_folder
from isekai_gen.workspace import Workspace

# One GPU of today fills about four cores with PNG files of 512 x 512.
_MAX_THREADS = 8


def writer_threads(device: Device) -> int:
    """Threads that encode for one worker: its share of the cores; one beside a CPU worker."""
    if device.kind == "cpu":
        return 1
    import torch

    return max(1, min(_MAX_THREADS, usable_cores() // max(1, torch.cuda.device_count())))


@dataclass(frozen=True)
class ImageWriter:
    """Turns drawn pictures into files and records.

    Attributes:
        workspace: Where the files go.
        provenance: What records say of how the pictures were drawn.
        style: How files are written.
        threads: Where the work is done.
    """

    workspace: Workspace
    provenance: Provenance
    style: FileStyle
    threads: ThreadPoolExecutor

    def submit(
        self, images: Sequence[PlannedImage], drawn: Sequence[DrawnImage]
    ) -> list[Future[ImageRecord]]:
        """Start writing pictures; one record each, which `make_durable` must precede."""
        return [
            self.threads.submit(self.write, image, picture)
            for image, picture in zip(images, drawn, strict=True)
        ]

    def write(self, image: PlannedImage, drawn: DrawnImage) -> ImageRecord:
        """Write a picture, unless drawing it failed, and make its record."""
        record = ImageRecord(
            planned=image,
            provenance=self.provenance,
            failure=drawn.failure,
            path="",
            file_sha256="",
            pixel_sha256="",
            safety_flagged=drawn.safety_flagged,
        )
        if drawn.pixels is None:
            return replace(record, failure=drawn.failure or "no picture")
        path = self.workspace.image(image.concept, image.image_id, self.style.suffix)
        content = image_bytes(drawn.pixels, image, self.provenance, self.style)
        replace_file(path, content)
        return replace(
            record,
            path=path.relative_to(self.workspace.root).as_posix(),
            file_sha256=hashlib.sha256(content).hexdigest(),
            pixel_sha256=pixel_sha256(drawn.pixels),
        )

    def make_durable(self, records: Iterable[ImageRecord]) -> None:
        """Make sure that the files of these records are still there after a power cut."""
        folders = {(self.workspace.root / record.path).parent for record in records if record.path}
        for folder in sorted(folders):
            sync_folder(folder)
