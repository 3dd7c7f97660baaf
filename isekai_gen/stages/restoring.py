"""Pictures that are missing or damaged: found by digest, drawn again to the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import file_sha256, pixel_sha256
from isekai_gen.models.spec import DrawnImage
from isekai_gen.records import ImageRecord, PlannedImage
from isekai_gen.stages.image_writer import ImageWriter
from isekai_gen.stages.pictures import image_bytes
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace


class Draws(Protocol):
    """Draws planned images of distinct rows."""

    def draw(self, images: Sequence[PlannedImage]) -> list[DrawnImage]: ...


def is_intact(workspace: Workspace, record: ImageRecord) -> bool:
    """Whether a generated image's file is there with the recorded bytes."""
    path = workspace.image(record.concept, record.image_id, record.suffix)
    return path.is_file() and file_sha256(path) == record.file_sha256


def restore_images(
    batch: Sequence[PlannedImage],
    recorded: Mapping[str, ImageRecord],
    drawer: Draws,
    writer: ImageWriter,
) -> list[str]:
    """Draw recorded images again whose files are missing or damaged, and compare.

    Args:
        batch: Images of distinct rows.
        recorded: Image id to its record.
        drawer: Draws them again.
        writer: Where and how files are written.

    Returns:
        One message for the user per restored image.

    Raises:
        ChecksumError: If drawing again gives other pixels or another file.
    """
    workspace = writer.workspace
    broken = [
        image
        for image in batch
        if (record := recorded.get(image.image_id)) is not None
        and record.generated
        and not is_intact(workspace, record)
    ]
    if not broken:
        return []
    messages = []
    for image, drawn in zip(broken, drawer.draw(broken), strict=True):
        record = recorded[image.image_id]
        path = workspace.image(image.concept, image.image_id, record.suffix)
        if drawn.pixels is None or pixel_sha256(drawn.pixels) != record.pixel_sha256:
            raise ChecksumError(
                f"{path} is missing or damaged, and drawing it again gives other pixels than "
                "its record has; restore it from a backup, or use a new --workspace"
            )
        write_atomically(path, image_bytes(drawn.pixels, image, record.provenance, writer.style))
        if not is_intact(workspace, record):
            raise ChecksumError(
                f"{path} was restored to the recorded pixels, but not to the recorded bytes; "
                "it was written in another format, or with or without its prompt, before: use "
                "the same options"
            )
        messages.append(f"{path} was missing or damaged: restored, pixels as recorded")
    return messages
