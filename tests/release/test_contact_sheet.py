import pytest
from PIL import Image

from isekai_gen.release.documents.contact_sheet import (
    ROWS_PER_PAGE,
    TILE,
    SheetRow,
    draw_contact_sheet,
    draw_group_strip,
    square_tile,
)


@pytest.fixture
def red():
    return square_tile(Image.new("RGB", (40, 80), (255, 0, 0)))


@pytest.fixture
def blue():
    return square_tile(Image.new("L", (8, 8), 30))


def colors_left_to_right(sheet):
    """Tile colors of the first group, one for each tile."""
    line = [sheet.getpixel((x, 56 + 120 + 44 + 64)) for x in range(56, 56 + 818)]
    return [color for n, color in enumerate(line) if n == 0 or color != line[n - 1]]


def test_fictional_images_lie_left_of_the_real_ones(red, blue):
    sheet = draw_contact_sheet([SheetRow("a", [red] * 4, "b", [blue] * 2)], "Title")
    solid = [color for color in colors_left_to_right(sheet) if color in ((255, 0, 0), (30, 30, 30))]
    assert solid == [(255, 0, 0)] * 4 + [(30, 30, 30)] * 2


def test_twenty_groups_make_one_page(red):
    sheet = draw_contact_sheet([SheetRow("a", [red], "b", [red])] * 20, "Title")
    assert 1600 <= sheet.width <= 2000
    assert sheet.height <= 2600


def test_a_full_page_is_no_taller_than_jpeg_and_browsers_take(red):
    sheet = draw_contact_sheet([SheetRow("a", [red], "b", [red])] * ROWS_PER_PAGE, "Title")
    assert sheet.height <= 4500


def test_the_subtitle_is_on_the_page(red):
    rows = [SheetRow("a", [red], "b", [red])]
    one, other = draw_contact_sheet(rows, "groups 1 to 40"), draw_contact_sheet(rows, "all")
    header = (0, 0, one.width, 56 + 120)
    assert one.crop(header).tobytes() != other.crop(header).tobytes()


def test_the_middle_of_a_picture_becomes_a_square_tile():
    wide = Image.new("RGB", (90, 30), "white")
    wide.paste("red", (30, 0, 60, 30))
    tile = square_tile(wide)
    assert tile.size == (TILE, TILE)
    assert tile.getextrema()[1][1] < 128  # a little white from beyond the edge, no more


def test_a_strip_without_counterpart_is_shorter(red, blue):
    alone = draw_group_strip(SheetRow("a", [red], "", []))
    both = draw_group_strip(SheetRow("a", [red], "b", [blue]))
    assert alone.height == both.height == TILE
    assert alone.width < both.width


def test_any_name_stays_in_its_place(red):
    long = "a thing whose name is far longer than any label could hold " * 3
    sheet = draw_contact_sheet([SheetRow(long, [red] * 4, long, [])], long)
    margin = sheet.crop((sheet.width - 56, 0, sheet.width, sheet.height))
    assert margin.getcolors() == [(56 * sheet.height, (250, 249, 246))]
    between = sheet.crop((56 + 4 * 128 + 18, 56 + 120 + 4, 56 + 4 * 128 + 18 + 26, 56 + 120 + 44))
    assert between.getcolors() == [(26 * 40, (250, 249, 246))]


def test_a_group_without_images_or_counterpart_is_drawn(red):
    sheet = draw_contact_sheet([SheetRow("a", [], "", []), SheetRow("b", [red], "c", [])], "T")
    assert sheet.mode == "RGB"


def test_no_group_at_all_is_an_empty_page():
    assert draw_contact_sheet([], "Nothing yet").width > 0
