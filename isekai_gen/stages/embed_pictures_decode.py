"""Decode one picture of anybody's, and take what identifies it: digests of its bytes and pixels."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps

from isekai_gen.hashing import pixel_sha256
from isekai_gen.pixels import RgbPixels, rgb_pixels
from isekai_gen.stages.pictures import why_unreadable

FORMATS = ("PNG", "JPEG", "WEBP")
# Encoders first scale the short side: a strip of 1 x 60,000 pixels would become gigabytes.
_MOST_ASPECT = 200


class UnreadablePictureError(Exception):
    """A picture cannot be used; the message says why.

    Attributes:
        retry: Whether its bytes could not even be had, which may be otherwise the next time.
    """

    def __init__(self, reason: str, *, retry: bool = False) -> None:
        super().__init__(reason)
        self.retry = retry


@dataclass(frozen=True)
class DecodedPicture:
    """A picture and what identifies it.

    Attributes:
        image: RGB, the right way up.
        pixels: Its pixels, uint8 [height, width, 3].
        file_bytes: Bytes of its file.
        byte_sha256: Of the file.
        pixel_sha256: Of the RGB pixels, as `hashing.pixel_sha256` has it.
    """

    image: Image.Image
    pixels: RgbPixels
    file_bytes: int
    byte_sha256: str
    pixel_sha256: str


def refuse_bombs() -> None:
    """Have this process refuse pictures over Pillow's pixel limit, not only warn of them."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def decode(content: bytes) -> DecodedPicture:
    """The picture in the bytes of a PNG, JPEG or WebP file, whatever its name says.

    It is turned as its EXIF orientation asks; of several frames the first counts.

    Raises:
        UnreadablePictureError: If there is no whole picture, or one that is too large.
    """
    if not content:
        raise UnreadablePictureError("is empty")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            _check_size(opened.width, opened.height)
            opened.load()
            ImageOps.exif_transpose(opened, in_place=True)
            image = opened if opened.mode == "RGB" else opened.convert("RGB")
    except UnreadablePictureError:
        raise
    except Exception as error:  # for broken files Pillow raises nearly every type
        why = why_unreadable(error)
        raise UnreadablePictureError(f"is no picture that can be opened ({why})") from error
    pixels = rgb_pixels(image)
    return DecodedPicture(
        image=image,
        pixels=pixels,
        file_bytes=len(content),
        byte_sha256=hashlib.sha256(content).hexdigest(),
        pixel_sha256=pixel_sha256(pixels),
    )


def _check_size(width: int, height: int) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise UnreadablePictureError(f"has {width} x {height} pixels, over {limit:,}")
    if max(width, height) > _MOST_ASPECT * min(width, height):
        raise UnreadablePictureError(
            f"has {width} x {height} pixels, over {_MOST_ASPECT} times as long as wide"
        )
