"""Decode a received picture and compare it with its row of metadata.jsonl.

The pixel digests there are those of the pixels as drawn. PNG and WebP must decode to them; JPEG
cannot, so there the checksum of the file stands for its pixels.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from isekai_gen.hashing import pixel_sha256
from isekai_gen.records import IMAGE_FORMATS, LOSSLESS_SUFFIXES
from isekai_gen.release.layout import METADATA_FILE
from isekai_gen.release.signing.c2pa_check import check_c2pa
from isekai_gen.release.verification.received_release import ImageRow

# 8192 x 8192; a small file can claim more pixels than there is memory.
_MAX_PIXELS = 1 << 26


@contextmanager
def pillow_warnings_as_faults() -> Iterator[None]:
    """What Pillow warns of, such as a decompression bomb, is a fault within the block.

    For the whole process: Python keeps one list of warnings for all threads.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", module=r"PIL\.")
        yield


@dataclass(frozen=True)
class PictureCheck:
    """Checks pictures beside their checksums; use it within `pillow_warnings_as_faults`.

    Attributes:
        marked: Whether every picture must have a C2PA mark.
    """

    marked: bool

    def faults(self, source: Path | bytes, row: ImageRow) -> list[str]:
        """What is wrong with a picture. Called from several threads.

        Args:
            source: The file, or its content.
            row: What metadata.jsonl tells of it.

        Raises:
            OSError: If a marked file cannot be read.
        """
        faults = _check_pixels(source, row)
        if self.marked and not faults:
            faults = check_c2pa(source if isinstance(source, bytes) else source.read_bytes())
        return faults


def _check_pixels(source: Path | bytes, row: ImageRow) -> list[str]:
    suffix = PurePosixPath(row.path).suffix
    kind = IMAGE_FORMATS.get(suffix)
    if kind is None:
        return [f"its name must end in {' or '.join(IMAGE_FORMATS)}"]
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with Image.open(file, formats=(kind,)) as image:
            if image.width * image.height > _MAX_PIXELS:
                return [f"{image.width} x {image.height} is over {_MAX_PIXELS} pixels"]
            if (image.width, image.height) != (row.width, row.height):
                return [f"{image.width} x {image.height} is not the size in {METADATA_FILE}"]
            pixels = np.asarray(image.convert("RGB"))
    # Pillow raises SyntaxError for a broken chunk.
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
        shown = str(error) if isinstance(source, bytes) else str(error).replace(str(source), "it")
        return [f"not a readable {kind}: {ascii(shown)[1:-1][:200]}"]
    if suffix in LOSSLESS_SUFFIXES and row.pixel_sha256 != pixel_sha256(pixels):
        return [f"{METADATA_FILE} has another pixel_sha256"]
    return []
