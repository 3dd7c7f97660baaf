"""Generated pictures as files that say how they came to be, and what such a file says.

The bytes of a file follow from its pixels, its provenance and its style alone; nothing in it tells
the time or the machine. PNG and WebP decode to exactly the drawn pixels; JPEG loses some, so its
record's pixel digest is that of the pixels as drawn.

Where our own JSON block lies: in PNG, the iTXt chunk `isekai-gen`; in WebP and JPEG, the EXIF user
comment, which every EXIF reader shows.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from PIL import Image, PngImagePlugin, UnidentifiedImageError

from isekai_gen.errors import InputError
from isekai_gen.hashing import canonical_json
from isekai_gen.models.spec import Pixels
from isekai_gen.records import IMAGE_FORMATS, PlannedImage, Provenance
from isekai_gen.stages.picture_origin import origin_of, xmp_packet

ImageFormat = Literal["png", "webp", "jpeg"]
# zlib level 1 is three times as fast as 4 on 512 x 512 pictures, the files 20 % larger
# (measured): on a GPU, encoding is what would hold the drawing up.
COMPRESS_LEVEL = 1
# The least effort takes half the time of PNG at level 1, and files are 20 % smaller; method 1 takes
# four times as long for 1 % (measured on 512 x 512 pictures). `quality` is effort when lossless.
_WEBP_EFFORT = {"lossless": True, "exact": True, "method": 0, "quality": 20}
_JPEG_QUALITY = 95
_TEXT_KEY = "isekai-gen"
_SUFFIXES: dict[ImageFormat, str] = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}
_FORMATS = {suffix: image_format for image_format, suffix in _SUFFIXES.items()}
_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286
# A user comment begins with its character set. ASCII, with other characters as JSON escapes, needs
# half the bytes of UTF-16, and every reader knows it.
_ASCII = b"ASCII\0\0\0"
# A JPEG segment holds 65,535 bytes; Pillow writes none longer, and no second one.
_MAX_JPEG_SEGMENT = 65_500


@dataclass(frozen=True)
class FileStyle:
    """How image files are written.

    Attributes:
        image_format: "png", "webp" (lossless) or "jpeg".
        prompt_metadata: Whether what tells an image's label is written into the file.
    """

    image_format: ImageFormat = "png"
    prompt_metadata: bool = True

    @property
    def suffix(self) -> str:
        """Of the files, with the dot."""
        return _SUFFIXES[self.image_format]

    def like(self, suffix: str) -> FileStyle:
        """This style in the format that a suffix stands for."""
        return replace(self, image_format=_FORMATS[suffix])


def image_bytes(
    pixels: Pixels, planned: PlannedImage, provenance: Provenance, style: FileStyle
) -> bytes:
    """The file of a generated image.

    Args:
        pixels: uint8 [height, width, 3].
        planned: What was planned.
        provenance: How it was drawn.
        style: Format, and what the file tells.

    Raises:
        InputError: If prompt and slots are too long for the metadata of a JPEG file.
    """
    origin = origin_of(planned, provenance, prompt_metadata=style.prompt_metadata)
    xmp = xmp_packet(planned.prompt if style.prompt_metadata else None, provenance)
    image = Image.fromarray(pixels)
    if style.image_format == "png":
        return png_bytes(image, canonical_json(origin), xmp)
    exif, packet = _exif_with(origin), xmp.encode()
    if style.image_format == "webp":
        return _encoded(image, "WEBP", **_WEBP_EFFORT, exif=exif, xmp=packet)
    if max(len(exif), len(packet)) > _MAX_JPEG_SEGMENT:
        raise InputError(
            f"image {planned.image_id}: its prompts and slots are too long for the metadata of a "
            "JPEG file; use --image-format png or webp, or --no-prompt-metadata"
        )
    # No chroma subsampling: at a given quality it is what blurs colored edges most.
    return _encoded(image, "JPEG", quality=_JPEG_QUALITY, subsampling=0, exif=exif, xmp=packet)


def png_bytes(image: Image.Image, origin: str, xmp: str) -> bytes:
    """A PNG file with our own block (`read_origin`) and an XMP packet."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(_TEXT_KEY, origin)
    chunks.add_itxt("XML:com.adobe.xmp", xmp)
    return _encoded(image, "PNG", pnginfo=chunks, compress_level=COMPRESS_LEVEL)


def _encoded(image: Image.Image, pillow_format: str, **options: Any) -> bytes:  # noqa: ANN401
    buffer = io.BytesIO()
    image.save(buffer, pillow_format, **options)
    return buffer.getvalue()


def _exif_with(origin: dict[str, Any]) -> bytes:
    exif = Image.Exif()
    comment = json.dumps(origin, sort_keys=True, allow_nan=False)
    exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = _ASCII + comment.encode("ascii")
    return exif.tobytes()


def decode_picture(content: bytes, suffix: str) -> Image.Image:
    """The RGB picture in the bytes of an image file.

    Args:
        content: The whole file.
        suffix: Of the file; its format must be the one that belongs to it.

    Raises:
        ValueError: If it is no picture of that format; says why.
    """
    try:
        with Image.open(io.BytesIO(content), formats=(IMAGE_FORMATS[suffix],)) as image:
            return image.convert("RGB")
    # Pillow raises SyntaxError for a broken chunk.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"is no picture that can be opened ({why_unreadable(error)})") from error


def why_unreadable(error: Exception) -> str:
    """What Pillow says of bytes that it cannot open, in one line, the same in every run."""
    if isinstance(error, UnidentifiedImageError):
        return "of no known format"  # Pillow names the place in memory where the bytes lie
    return " ".join(str(error).split()) or type(error).__name__


def read_origin(path: Path) -> dict[str, Any]:
    """Our own block of an image file: how the image came to be.

    Returns:
        Fields of `PlannedImage` (less those that tell the label, if they were left out) and of
        `Provenance`, and `schema`.

    Raises:
        InputError: If the file cannot be opened, or has no such block.
    """
    try:
        with Image.open(path, formats=tuple(IMAGE_FORMATS.values())) as image:
            text = _block_of(image)
        origin = json.loads(text)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path}: does not say how it came to be ({error}); isekai-gen did not make it, or "
            "another program took its metadata away"
        ) from error
    if not isinstance(origin, dict):
        raise InputError(f"{path}: its isekai-gen block is no JSON object; it was edited")
    return origin


def _block_of(image: Image.Image) -> str:
    """Text of our block; ValueError if there is none."""
    if isinstance(image, PngImagePlugin.PngImageFile):
        text = image.text.get(_TEXT_KEY)
        if text is None:
            raise ValueError(f"no text chunk {_TEXT_KEY!r}")
        return str(text)
    comment = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT, b"")
    if not isinstance(comment, bytes) or not comment.startswith(_ASCII):
        raise ValueError("no EXIF user comment in ASCII")
    return comment.removeprefix(_ASCII).decode("ascii")
