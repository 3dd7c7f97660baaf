"""Pictures that show at a glance what a release holds.

Which images are shown is a rule, not a choice: evenly spaced over the kept ones, so that a preview
promises no better pictures than the release has.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

from PIL import Image

from isekai_gen.records import IMAGE_FORMATS
from isekai_gen.release.building.draft import ReleaseDraft
from isekai_gen.release.documents.contact_sheet import (
    FICTIONAL_TILES,
    REAL_TILES,
    ROWS_PER_PAGE,
    SheetRow,
    draw_contact_sheet,
    draw_group_strip,
    square_tile,
)
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.layout import SHEET_FILE

ReadImage = Callable[[ReleasedImage], bytes]
"""The bytes of an image's file."""

MAX_SHEET_BYTES = 1_000_000
MAX_STRIP_BYTES = 100_000
# From best to worst; the first that keeps the limit is taken. 95 and more only make files large.
_QUALITIES = (90, 85, 80, 70, 60, 45, 30, 15)


def write_previews(
    draft: ReleaseDraft, images: Sequence[ReleasedImage], read_image: ReadImage
) -> dict[str, str]:
    """Write contact sheets of all groups with kept images, and a strip for each group.

    Args:
        draft: Where to.
        images: All images, in release order.
        read_image: Called for those that are shown.

    Returns:
        Path to what the picture shows; contact sheets first, and the very first is `SHEET_FILE`.
        Strips are preview/<group>.jpg.
    """
    groups = _by_group(images)
    slugs = list(groups)
    pages = [slugs[at : at + ROWS_PER_PAGE] for at in range(0, len(slugs), ROWS_PER_PAGE)] or [[]]
    sheets: dict[str, str] = {}
    strips: dict[str, str] = {}
    for number, page in enumerate(pages):
        rows = [_row(groups[slug], read_image) for slug in page]
        for slug, row in zip(page, rows, strict=True):
            path = f"preview/{slug}.jpg"
            draft.write(path, encode_jpeg(draw_group_strip(row), MAX_STRIP_BYTES))
            strips[path] = _shown(row)
        path = sheet_path(number)
        subtitle = _subtitle(number, len(page), len(slugs))
        draft.write(path, encode_jpeg(draw_contact_sheet(rows, subtitle), MAX_SHEET_BYTES))
        sheets[path] = subtitle
    return sheets | strips


def sheet_path(number: int) -> str:
    """Path of a contact sheet, counted from 0; no slug has an underscore, so none is taken."""
    return SHEET_FILE if number == 0 else SHEET_FILE.replace(".jpg", f"_{number + 1}.jpg")


def encode_jpeg(picture: Image.Image, max_bytes: int) -> bytes:
    """A JPEG file of at most `max_bytes`; the same bytes every time with one version of Pillow.

    Raises:
        ValueError: If the picture is too large for the limit at any quality.
    """
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True, subsampling="4:2:0")
        if buffer.tell() <= max_bytes:
            return buffer.getvalue()
    raise ValueError(f"no JPEG of {picture.size} fits in {max_bytes} bytes")


def _by_group(images: Sequence[ReleasedImage]) -> dict[str, list[ReleasedImage]]:
    groups: dict[str, list[ReleasedImage]] = {}
    for image in images:
        groups.setdefault(image.concept.group, []).append(image)
    return groups


def _row(images: Sequence[ReleasedImage], read_image: ReadImage) -> SheetRow:
    fictional = [image for image in images if image.concept.kind == "fictional"]
    real = [image for image in images if image.concept.kind == "real"]
    return SheetRow(
        fictional[0].concept.name if fictional else "(no image kept)",
        list(_tiles(fictional, FICTIONAL_TILES, read_image)),
        real[0].concept.name if real else "",
        list(_tiles(real, REAL_TILES, read_image)),
    )


def _tiles(
    images: Sequence[ReleasedImage], count: int, read_image: ReadImage
) -> Iterator[Image.Image]:
    for image in evenly_spaced(images, count):
        formats = (IMAGE_FORMATS[image.record.suffix],)
        with Image.open(io.BytesIO(read_image(image)), formats=formats) as picture:
            yield square_tile(picture)


def evenly_spaced(images: Sequence[ReleasedImage], count: int) -> list[ReleasedImage]:
    """Up to `count` images, the first one included, at equal distances."""
    shown = min(count, len(images))
    return [images[number * len(images) // shown] for number in range(shown)]


def _subtitle(number: int, shown: int, groups: int) -> str:
    first = number * ROWS_PER_PAGE + 1
    which = (
        f"{groups} groups"
        if shown == groups
        else f"groups {first} to {first + shown - 1} of {groups}"
    )
    return f"{which}; every image is generated, and shown as drawn: evenly spaced, not picked"


def _shown(row: SheetRow) -> str:
    beside = f" beside {row.real_name}" if row.real_name else ""
    return f"{row.fictional_name}{beside}"
