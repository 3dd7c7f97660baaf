"""Small pictures for the page: made once, as WebP, and kept.

Nothing here is worth keeping safe: a thumbnail that a crash cut short is made again.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import struct
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from isekai_gen.errors import ChecksumError, InputError, StorageError
from isekai_gen.storage import storage_errors

SIZES = (160, 320, 640)
"""The longest side, in pixels. Smaller pictures stay as they are."""
MAX_PIXELS = 50_000_000
"""Of a picture that is opened: two at once take 300 MB."""
FORMATS = ("PNG", "JPEG", "WEBP")
_LOGGER = logging.getLogger(__name__)
_AT_ONCE = 2
_QUALITY = 85
_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error)


@dataclass(frozen=True)
class Thumbnail:
    """A small picture.

    Attributes:
        content: WebP.
        tag: Changes with the picture's file and with the size.
    """

    content: bytes
    tag: str


class Thumbnails:
    """The cache of one workspace; may be asked from several threads.

    Args:
        folder: Where to keep them; made when the first comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._making = threading.BoundedSemaphore(_AT_ONCE)
        self._has_warned = False

    def of(self, picture: Path, size: int) -> Thumbnail:
        """The thumbnail of a picture, made now if there is none yet.

        Args:
            picture: File that may be opened.
            size: One of `SIZES`.

        Raises:
            InputError: If the picture has more pixels than the server opens.
            ChecksumError: If the file is no picture.
        """
        if size not in SIZES:
            raise ValueError(f"size must be one of {SIZES}, got {size}")
        tag = self._tag(picture, size)
        place = self._folder / tag[:2] / f"{tag}.webp"
        content = _read_whole(place)
        if content is None:
            with self._making:
                # Whoever waited here may find that it was made meanwhile.
                content = _read_whole(place) or self._make(picture, size, place)
        return Thumbnail(content, tag)

    def _tag(self, picture: Path, size: int) -> str:
        # The file's time and length stand for its bytes: reading them all would take longer than
        # reading the thumbnail.
        found = picture.stat()
        told = f"{picture}\n{found.st_mtime_ns}\n{found.st_size}\n{size}"
        return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def _make(self, picture: Path, size: int, place: Path) -> bytes:
        content = shrink(picture, size)
        try:
            self._keep(content, place)
        except StorageError as error:  # it can be shown all the same, and made again
            if not self._has_warned:
                _LOGGER.warning("thumbnails are not kept: %s", error)
            self._has_warned = True
        return content

    def _keep(self, content: bytes, place: Path) -> None:
        # Not a `temporary_name`: those a command that starts meanwhile would take for leftovers.
        temporary = place.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        with storage_errors(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(content)
                temporary.replace(place)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


def shrink(picture: Path, size: int) -> bytes:
    """A picture as WebP, its longest side at most `size` pixels.

    Raises:
        InputError: If it has more pixels than the server opens.
        ChecksumError: If the file is no picture.
    """
    check_picture(picture)
    try:
        with Image.open(picture, formats=FORMATS) as opened:
            opened.draft("RGB", (size, size))
            small = ImageOps.exif_transpose(opened)
            clear = "A" in small.getbands() or "transparency" in small.info
            small = small.convert("RGBA" if clear else "RGB")
            small.thumbnail((size, size), Image.Resampling.LANCZOS)
    except _UNREADABLE as error:
        raise ChecksumError(f"{picture.name}: is damaged; draw the image again") from error
    written = io.BytesIO()
    small.save(written, "WEBP", quality=_QUALITY, method=2)
    return written.getvalue()


def check_picture(source: Path | bytes) -> None:
    """Look at a picture's head only: whether it is one, and not too large.

    Args:
        source: A file, or what was sent.

    Raises:
        InputError: If it has more pixels than the server opens.
        ChecksumError: If it is no picture.
    """
    name = source.name if isinstance(source, Path) else "the picture"
    most = f"{MAX_PIXELS:,} pixels"
    try:
        with Image.open(
            source if isinstance(source, Path) else io.BytesIO(source), formats=FORMATS
        ) as opened:
            pixels = opened.width * opened.height
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{name}: has more than {most}; the page opens no larger ones") from error
    except _UNREADABLE as error:
        raise ChecksumError(f"{name}: is no PNG, JPEG or WebP picture") from error
    if pixels > MAX_PIXELS:
        raise InputError(f"{name}: has more than {most}; the page opens no larger ones")


def _read_whole(place: Path) -> bytes | None:
    """A thumbnail's bytes; None if there is none, or a crash left a part of it."""
    try:
        content = place.read_bytes()
    except FileNotFoundError:
        return None
    whole = len(content) > 8 and int.from_bytes(content[4:8], "little") + 8 == len(content)
    return content if whole else None
