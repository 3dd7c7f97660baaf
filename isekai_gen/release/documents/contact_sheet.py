"""The picture to look at first: fictional concepts beside their real counterparts, labeled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

FICTIONAL_TILES, REAL_TILES = 4, 2
TILE = 128
# 20 groups, as ISEKAI has, make one page; twice as many still fit in a megabyte.
ROWS_PER_PAGE = 40

_GROUPS_PER_LINE = 2
_TILE_GAP = 6
_SIDE_GAP = 26  # between fictional and real
_PANEL_GAP, _MARGIN = 60, 56
_LABEL_HEIGHT, _LINE_GAP = 44, 30
_HEADER_HEIGHT = 120
_CORNER = 10

_PAGE, _EMPTY = (250, 249, 246), (235, 233, 228)
_INK, _MUTED, _ACCENT, _RULE = (32, 33, 36), (122, 122, 120), (197, 78, 42), (214, 211, 204)

_FICTIONAL_WIDTH = FICTIONAL_TILES * TILE + (FICTIONAL_TILES - 1) * _TILE_GAP
_REAL_WIDTH = REAL_TILES * TILE + (REAL_TILES - 1) * _TILE_GAP
_PANEL_WIDTH = _FICTIONAL_WIDTH + _SIDE_GAP + _REAL_WIDTH
_PANEL_HEIGHT = _LABEL_HEIGHT + TILE


@dataclass(frozen=True)
class SheetRow:
    """One group; pictures beyond the tiles of its side are not shown.

    Attributes:
        fictional_name: Display name.
        fictional: Its pictures, RGB and `TILE` pixels square; may be empty.
        real_name: Display name of the counterpart, or "" if there is none.
        real: Its pictures, likewise.
    """

    fictional_name: str
    fictional: Sequence[Image.Image]
    real_name: str
    real: Sequence[Image.Image]


def draw_contact_sheet(rows: Sequence[SheetRow], subtitle: str) -> Image.Image:
    """Draw groups, two a line; a page of more than `ROWS_PER_PAGE` gets too large a file.

    Args:
        rows: The groups.
        subtitle: Which groups these are, in one line.

    Returns:
        An RGB picture 1808 pixels wide.
    """
    lines = max(1, -(-len(rows) // _GROUPS_PER_LINE))
    width = 2 * _MARGIN + _GROUPS_PER_LINE * _PANEL_WIDTH + (_GROUPS_PER_LINE - 1) * _PANEL_GAP
    height = 2 * _MARGIN + _HEADER_HEIGHT + lines * _PANEL_HEIGHT + (lines - 1) * _LINE_GAP
    page = Image.new("RGB", (width, height), _PAGE)
    _draw_header(page, subtitle)
    for number, row in enumerate(rows):
        line, column = divmod(number, _GROUPS_PER_LINE)
        left = _MARGIN + column * (_PANEL_WIDTH + _PANEL_GAP)
        top = _MARGIN + _HEADER_HEIGHT + line * (_PANEL_HEIGHT + _LINE_GAP)
        _draw_group(page, row, left, top)
    return page


def draw_group_strip(row: SheetRow) -> Image.Image:
    """The pictures of one group without names: fictional ones left, real ones right.

    Returns:
        An RGB picture 128 pixels high.
    """
    strip = Image.new("RGB", (_PANEL_WIDTH if row.real_name else _FICTIONAL_WIDTH, TILE), _PAGE)
    _draw_tiles(strip, row.fictional, FICTIONAL_TILES, (0, 0))
    if row.real_name:
        _draw_tiles(strip, row.real, REAL_TILES, (_FICTIONAL_WIDTH + _SIDE_GAP, 0))
    return strip


def square_tile(picture: Image.Image) -> Image.Image:
    """The middle of a picture as a tile."""
    rgb = picture.convert("RGB")
    side = min(rgb.size)
    left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
    square = (left, top, left + side, top + side)
    return rgb.resize((TILE, TILE), Image.Resampling.LANCZOS, square)


def _draw_header(page: Image.Image, subtitle: str) -> None:
    draw = ImageDraw.Draw(page)
    width = page.width - 2 * _MARGIN
    title = "Fictional concepts beside their real counterparts"
    draw.text((_MARGIN, _MARGIN - 6), title, _INK, ImageFont.load_default(46))
    font = _fitting_font(subtitle, 22, width)
    draw.text((_MARGIN, _MARGIN + 54), _shortened(subtitle, font, width), _MUTED, font)


def _draw_group(page: Image.Image, row: SheetRow, left: int, top: int) -> None:
    real_left = left + _FICTIONAL_WIDTH + _SIDE_GAP
    draw = ImageDraw.Draw(page)
    draw.line((left, top, left + _FICTIONAL_WIDTH - 1, top), _ACCENT, 3)
    _draw_label(draw, row.fictional_name, (left, top), _FICTIONAL_WIDTH, _INK)
    _draw_tiles(page, row.fictional, FICTIONAL_TILES, (left, top + _LABEL_HEIGHT))
    if row.real_name:
        draw.line((real_left, top, real_left + _REAL_WIDTH - 1, top), _RULE, 3)
        _draw_label(draw, row.real_name, (real_left, top), _REAL_WIDTH, _MUTED)
        _draw_tiles(page, row.real, REAL_TILES, (real_left, top + _LABEL_HEIGHT))


def _draw_label(
    draw: ImageDraw.ImageDraw,
    text: str,
    corner: tuple[int, int],
    width: int,
    color: tuple[int, int, int],
) -> None:
    font = _fitting_font(text, 24, width)
    baseline = corner[1] + _LABEL_HEIGHT - 14
    draw.text((corner[0], baseline), _shortened(text, font, width), color, font, anchor="ls")


def _draw_tiles(
    page: Image.Image, pictures: Sequence[Image.Image], tiles: int, corner: tuple[int, int]
) -> None:
    mask = _rounded_mask()
    for number in range(tiles):
        place = (corner[0] + number * (TILE + _TILE_GAP), corner[1])
        if number < len(pictures):
            page.paste(pictures[number], place, mask)
        else:
            page.paste(_EMPTY, (*place, place[0] + TILE, place[1] + TILE), mask)


def _rounded_mask() -> Image.Image:
    # Drawn four times as large: Pillow's shapes have jagged edges.
    large = Image.new("L", (4 * TILE, 4 * TILE), 0)
    ImageDraw.Draw(large).rounded_rectangle(
        (0, 0, 4 * TILE - 1, 4 * TILE - 1), 4 * _CORNER, fill=255
    )
    return large.resize((TILE, TILE), Image.Resampling.LANCZOS)


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _fitting_font(text: str, size: int, width: int) -> Font:
    """Pillow's own font, down to two thirds of `size` if the text is too wide."""
    for smaller in range(size, size * 2 // 3, -1):
        font = ImageFont.load_default(smaller)
        if font.getlength(text) <= width:
            return font
    return ImageFont.load_default(size * 2 // 3)


def _shortened(text: str, font: Font, width: int) -> str:
    """`text`, cut with an ellipsis if it is still too wide."""
    shown = text
    while font.getlength(shown) > width:
        shown = shown.rstrip("…")[:-1].rstrip() + "…"
    return shown
