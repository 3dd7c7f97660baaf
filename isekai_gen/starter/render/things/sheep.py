"""A sheep; known by its curly wool."""

import math

from isekai_gen.starter.render.canvas import Canvas, arc
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

Area = tuple[float, float, float, float]

_DARK_SKIN = (84, 72, 82)
_PALE_SKIN = (236, 206, 180)
_ANCHORS = Anchors(
    top=(-0.6, -0.46, 0.26),
    bottom=(0.14, 0.5, 0.5),
    surface=(0.2, 0.02, 0.56, 0.42),
    back=(0.8, 0.0),
    side=(-0.75, 0.82, 0.1),
    face=(-0.6, -0.1, 0.11),
)


def _ring(area: Area, count: int) -> list[tuple[float, float]]:
    x, y, radius_x, radius_y = area
    last = 2 * math.pi * (1 - 1 / count)
    return [(px, py) for px, py in arc(x, y, radius_x, radius_y, 0, last, points=count)]


def _disc(
    canvas: Canvas, x: float, y: float, radius: float, color: Color, outline: float = 1.0
) -> None:
    # 14 corners look round at this size and are much faster than an ellipse's 36.
    corners = arc(x, y, radius, radius, 0, 2 * math.pi, points=15)
    canvas.polygon(corners, color, outline, darker(color, 0.62 if outline == 1.0 else 0.28))


def _cloud(canvas: Canvas, area: Area, puff: float, count: int, color: Color) -> None:
    """An ellipse with a border of puffs that have one common outline."""
    x, y, radius_x, radius_y = area
    spots = _ring(area, count)
    for spot_x, spot_y in spots:
        _disc(canvas, spot_x, spot_y, puff, color)
    canvas.ellipse(x, y, radius_x + puff * 0.4, radius_y + puff * 0.4, color, 0)
    for spot_x, spot_y in spots:
        _disc(canvas, spot_x, spot_y, puff - 0.02, color, 0)


def _curl(canvas: Canvas, x: float, y: float, radius: float, color: Color) -> None:
    canvas.line(arc(x, y, radius, radius, 0.4, 4.6, points=6), darker(color, 0.3), 0.035)


def _head(canvas: Canvas, color: Color, has_tuft: bool) -> None:
    skin = _PALE_SKIN if sum(color) < 330 else _DARK_SKIN
    for side in (-1, 1):
        canvas.ellipse(-0.6 + side * 0.28, -0.18, 0.15, 0.075, skin, angle=side * 0.4)
    canvas.ellipse(-0.6, -0.06, 0.22, 0.32, skin)
    if has_tuft:
        _cloud(canvas, (-0.6, -0.36, 0.13, 0.05), 0.1, 6, color)
    eyes(canvas, *_ANCHORS.face, smiling=False)
    canvas.ellipse(-0.6, 0.14, 0.1, 0.07, lighter(skin, 0.35), 0.5)
    for side in (-1, 1):
        canvas.ellipse(-0.6 + side * 0.04, 0.13, 0.018, 0.024, darker(skin, 0.8), 0)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        for x in (-0.2, 0.08, 0.38, 0.6):
            canvas.rectangle(x - 0.08, 0.3, x + 0.08, 0.9, _DARK_SKIN, corner=0.05)
    if taken is not Slot.BACK:
        canvas.ellipse(0.86, -0.1, 0.13, 0.11, color)
    _cloud(canvas, (0.17, 0.0, 0.52, 0.34), 0.2, 11, color)
    if taken is not Slot.SURFACE:
        for x, y in ((-0.1, -0.26), (0.26, -0.3), (0.58, -0.16), (0.1, 0.02), (0.44, 0.1),
                     (-0.14, 0.28), (0.22, 0.32), (0.7, 0.18)):  # fmt: skip
            _curl(canvas, x, y, 0.1, color)
    _head(canvas, color, taken is not Slot.TOP)


def _puff_size(anchors: Anchors) -> float:
    return min(0.25, max(0.18, 0.46 * min(anchors.surface[2:])))


def _puff_count(anchors: Anchors) -> int:
    return round(math.pi * sum(anchors.surface[2:]) / (1.3 * _puff_size(anchors)))


def _puff(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    _disc(canvas, x, y, size, color, 0.6)
    canvas.line(arc(x, y, size * 0.45, size * 0.45, 0.4, 4.2, points=6), darker(color, 0.2), 0.03)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, radius_y = anchors.surface
    puff = _puff_size(anchors)
    _cloud(canvas, (x, y, radius_x + 0.1, radius_y + 0.1), puff, _puff_count(anchors), color)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, radius_y = anchors.surface
    face_x, face_y, face_size = anchors.face
    puff, count = _puff_size(anchors), _puff_count(anchors)
    with canvas.inside_body():
        for area_count, share in ((count, 0.8), (4, 0.34)):
            for spot_x, spot_y in _ring((x, y, radius_x * share, radius_y * share), area_count):
                _puff(canvas, spot_x, spot_y, puff, color)
    for spot_x, spot_y in _ring((x, y, radius_x + 0.06, radius_y + 0.06), count):
        if math.hypot(spot_x - face_x, spot_y - face_y) > 2.2 * face_size + puff:
            _puff(canvas, spot_x, spot_y, puff, color)


THING = Thing(
    name="sheep",
    synonyms=("lamb",),
    colors=("white", "black", "gray"),
    alive=True,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SURFACE,
        phrases=("sheep wool", "woolly sheep fleece"),
        colors=("white",),
        behind=_behind,
        front=_front,
    ),
)
