"""Thumbnails that travel in the report, each of at most so many bytes."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image

from isekai_gen.data_urls import data_url
from isekai_gen.errors import ChecksumError
from isekai_gen.records import ImageRecord
from isekai_gen.stages.embed_shard import open_recorded
from isekai_gen.workspace import Workspace

SIDE = 128
MAX_BYTES = 6_000
# The first that keeps the limit is taken; 32 pixels of noise at the last quality do.
_SIDES_AND_QUALITIES = ((SIDE, 82), (SIDE, 70), (SIDE, 50), (96, 50), (64, 50), (32, 50))

ShowImage = Callable[[ImageRecord], str]
"""A small picture of an image as a data URL."""


def thumbnails(workspace: Workspace) -> ShowImage:
    """What makes thumbnails of a workspace's images.

    It raises ChecksumError if a file is not what its record says.
    """

    def show(record: ImageRecord) -> str:
        image, reason = open_recorded(workspace, record)
        if image is None:
            raise ChecksumError(f"{record.path}: {reason}; run `isekai-gen generate` to restore it")
        return data_url(small_jpeg(image), "image/jpeg")

    return show


def small_jpeg(image: Image.Image) -> bytes:
    """A thumbnail of at most `MAX_BYTES`; the same bytes every time with one version of Pillow."""
    content = b""
    for side, quality in _SIDES_AND_QUALITIES:
        small = image.convert("RGB")
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=quality, optimize=True, subsampling="4:2:0")
        content = buffer.getvalue()
        if len(content) <= MAX_BYTES:
            return content
    raise ValueError(f"no JPEG of {MAX_BYTES} bytes shows a picture of {image.size}")
