"""A turtle; known by its shell of hexagonal plates."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, blend, darker, lighter
from isekai_gen.starter.render.parts import dot_eye, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_SKIN = (172, 206, 112)


def _plates(
    canvas: Canvas, area: tuple[float, float, float, float], radius: float, color: Color
) -> None:
    """A honeycomb of plates whose centers lie inside the ellipse `area`."""
    x, y, radius_x, radius_y = area
    corners = np.array([(math.cos(i * math.pi / 3), math.sin(i * math.pi / 3)) for i in range(6)])
    for column in range(-4, 5):
        for row in range(-4, 5):
            plate_x = 1.5 * radius * column
            plate_y = math.sqrt(3) * radius * (row + 0.5 * (column % 2))
            if (plate_x / radius_x) ** 2 + (plate_y / radius_y) ** 2 > 1:
                continue
            middle = np.array((x + plate_x, y + plate_y))
            canvas.polygon(middle + 0.92 * radius * corners, color, 0.8)
            canvas.polygon(middle + 0.5 * radius * corners, lighter(color, 0.22), 0)


def _legs_and_tail(canvas: Canvas, taken: Slot | None) -> None:
    if taken is not Slot.BACK:
        canvas.polygon([(0.66, 0.3), (1.0, 0.5), (0.62, 0.5)], _SKIN)
    if taken is not Slot.BOTTOM:
        for x in (-0.12, 0.3):
            canvas.ellipse(x, 0.62, 0.13, 0.18, darker(_SKIN, 0.22))
        for x in (-0.36, 0.56):
            canvas.ellipse(x, 0.62, 0.17, 0.22, _SKIN)


def _head(canvas: Canvas) -> None:
    neck = bezier((-0.3, 0.42), (-0.6, 0.4), (-0.72, 0.1), points=10)
    canvas.line(neck, _SKIN, 0.24, outlined=True)
    canvas.ellipse(-0.74, -0.06, 0.26, 0.24, _SKIN)
    canvas.line(neck[:7], _SKIN, 0.24)
    dot_eye(canvas, -0.8, -0.1, 0.07)
    canvas.line(bezier((-0.94, 0.02), (-0.84, 0.11), (-0.72, 0.06), points=8), (60, 70, 40), 0.03)
    canvas.ellipse(-0.66, 0.04, 0.06, 0.04, (244, 160, 150), 0)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    _legs_and_tail(canvas, taken)
    _head(canvas)
    dome = bezier((-0.56, 0.4), (-0.58, -0.84), (0.9, -0.84), (0.88, 0.4), points=30)
    if taken is Slot.SURFACE:
        canvas.polygon(dome, color)
    else:
        canvas.polygon(dome, darker(color, 0.3), 0)
        _plates(canvas, (0.16, -0.04, 0.52, 0.42), 0.23, color)
        canvas.line(dome, darker(color, 0.62), 0.042)
    rim = [(-0.62, 0.34), (0.94, 0.34), (0.86, 0.54), (-0.54, 0.54)]
    canvas.polygon(rim, blend(lighter(color, 0.45), (250, 226, 150), 0.4))
    highlight(canvas, -0.2, -0.3, 0.1, 0.05, color)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, radius_y = anchors.surface
    radius = min(0.27, max(0.22, 0.45 * min(radius_x, radius_y)))
    with canvas.inside_body():
        canvas.rectangle(-1.5, -1.5, 1.5, 1.5, lighter(color, 0.45), 0)
        _plates(canvas, (x, y, radius_x * 1.05, radius_y * 1.05), radius, darker(color, 0.1))


THING = Thing(
    name="turtle",
    synonyms=(),
    colors=("green", "teal", "brown"),
    alive=True,
    anchors=Anchors(
        top=(0.16, -0.52, 0.42),
        bottom=(0.14, 0.52, 0.58),
        surface=(0.16, -0.04, 0.56, 0.38),
        back=(0.8, 0.25),
        side=(-0.76, 0.86, 0.28),
        face=(-0.8, -0.06, 0.12),
    ),
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SURFACE,
        phrases=("a turtle shell", "turtle shell plates"),
        colors=("green",),
        front=_front,
    ),
)
