"""A house; known by its roof and chimney."""

from isekai_gen.starter.render.canvas import Canvas, arc
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_ROOF = (198, 70, 60)
_SLATE = (92, 84, 104)
_BRICK = (176, 104, 84)
_WOOD = (128, 82, 54)
_GLASS = (168, 220, 246)
_FRAME = (250, 246, 236)
_ANCHORS = Anchors(
    top=(0, -0.26, 0.62),
    bottom=(0, 0.88, 0.6),
    surface=(0, 0.26, 0.58, 0.5),
    back=(0.64, 0.35),
    side=(-0.66, 0.66, 0.3),
    face=(0, 0.02, 0.18),
)


def _roof(
    canvas: Canvas, x: float, y: float, half_width: float, height: float, color: Color
) -> None:
    """A gable roof with eaves at y, a chimney on its right slope and rows of tiles."""
    left, right = x + half_width * 0.38, x + half_width * 0.68
    canvas.rectangle(left, y - height * 1.0, right, y - height * 0.2, _BRICK, corner=0.02)
    canvas.rectangle(left - 0.05, y - height * 1.08, right + 0.05, y - height * 0.92,
                     lighter(_BRICK, 0.25), corner=0.03)  # fmt: skip
    slopes = [
        (x - half_width, y), (x - half_width * 0.93, y - 0.1), (x, y - height),
        (x + half_width * 0.93, y - 0.1), (x + half_width, y),
    ]  # fmt: skip
    canvas.polygon(slopes, color, 1.2)
    for row, up in enumerate((0.22, 0.5)):
        half_row = half_width * (0.98 - up)
        tiles = 6 - 2 * row
        for tile in range(tiles):
            tile_x = x - half_row + half_row * (2 * tile + 1) / tiles
            scallop = arc(tile_x, y - height * up, half_row / tiles, 0.09, 0, 3.14, points=8)
            canvas.line(scallop, darker(color, 0.4), 0.03)
    canvas.ellipse(x, y - height * 0.6, 0.1, 0.1, _GLASS, 0.8, ink=darker(color, 0.5))


def _window(canvas: Canvas, x: float, y: float) -> None:
    canvas.rectangle(x - 0.18, y - 0.18, x + 0.18, y + 0.18, _FRAME, 0.8, corner=0.03)
    canvas.rectangle(x - 0.13, y - 0.13, x + 0.13, y + 0.13, _GLASS, 0, corner=0.02)
    canvas.line([(x, y - 0.14), (x, y + 0.14)], _FRAME, 0.04)
    canvas.line([(x - 0.14, y), (x + 0.14, y)], _FRAME, 0.04)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    canvas.rectangle(-0.66, -0.26, 0.66, 0.9, color, corner=0.03)
    if taken is not Slot.BOTTOM:
        canvas.rectangle(-0.7, 0.82, 0.7, 0.94, (168, 164, 160), corner=0.03)
    if not with_face:
        _window(canvas, -0.36, 0.16)
        _window(canvas, 0.36, 0.16)
    door = [(-0.17, 0.9), *arc(0, 0.52, 0.17, 0.15, 3.14, 6.28, points=12), (0.17, 0.9)]
    canvas.polygon(door, _WOOD)
    canvas.ellipse(0.09, 0.7, 0.03, 0.035, (250, 210, 80), 0)
    if taken is not Slot.TOP:
        reddish = color[0] - max(color[1], color[2]) > 110
        tiles = _SLATE if reddish else _ROOF
        _roof(canvas, 0, -0.22, 0.9, 0.72, tiles)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half_width = anchors.top
    width = min(max(half_width * 1.4 + 0.2, 0.74), 1.02, 1.5 - abs(x))
    _roof(canvas, x, max(y + 0.14, -0.74), width, width * 0.5 + 0.26, color)


THING = Thing(
    name="house",
    synonyms=(),
    colors=("yellow", "white", "pink"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("a house roof", "a roof and chimney"),
        colors=("red", "brown", "blue"),
        front=_front,
    ),
)
