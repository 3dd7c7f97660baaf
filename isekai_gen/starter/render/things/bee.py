"""A bee; known by its yellow and black stripes."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, arc, bezier
from isekai_gen.starter.render.palette import INK, Color, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_BLACK = (48, 42, 50)
_WING = (214, 236, 250)


def _stripe(x: float, y: float, width: float, half_left: float, half_right: float) -> np.ndarray:
    """An upright band around a body that lies on its side: both its edges bulge to the right."""
    end = x + width
    left = bezier((x, y - half_left), (x + 0.35 * half_left, y), (x, y + half_left), points=10)
    right = bezier(
        (end, y + half_right), (end + 0.35 * half_right, y), (end, y - half_right), points=10
    )
    return np.concatenate([left, right])


def _striped_trunk(canvas: Canvas, color: Color, striped: bool) -> None:
    x, y, radius_x, radius_y = 0.2, 0.16, 0.62, 0.48
    canvas.ellipse(x, y, radius_x, radius_y, color)
    for start, width in ((-0.02, 0.16), (0.28, 0.16), (0.56, 0.13)) if striped else ():
        halves = (
            radius_y * math.sqrt(1 - ((at - x) / radius_x) ** 2) for at in (start, start + width)
        )
        canvas.polygon(_stripe(start, y, width, *halves), _BLACK, 0)
    canvas.line(arc(x, y, radius_x, radius_y, -2.2, 2.2), darker(color, 0.62), 0.042)


def _antennae(canvas: Canvas, x: float, y: float, size: float) -> None:
    for side in (-1, 1):
        tip = (x + side * size * 0.75, y - size)
        feeler = bezier(
            (x + side * size * 0.2, y), (x + side * size * 0.2, y - size), tip, points=9
        )
        canvas.line(feeler, _BLACK, 0.06)
        canvas.ellipse(*tip, size * 0.2, size * 0.2, _BLACK, 0)


def _wings(canvas: Canvas) -> None:
    canvas.ellipse(0.56, -0.5, 0.2, 0.4, _WING, angle=0.7, ink=(110, 130, 160))
    canvas.ellipse(0.14, -0.56, 0.24, 0.44, lighter(_WING, 0.3), angle=0.15, ink=(110, 130, 160))


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BACK:
        _wings(canvas)
        canvas.polygon([(0.76, 0.06), (1.02, 0.18), (0.74, 0.32)], _BLACK, 0.8)
    if taken is not Slot.BOTTOM:
        for x in (-0.1, 0.14, 0.38):
            canvas.line([(x, 0.5), (x - 0.05, 0.74)], _BLACK, 0.07)
    _striped_trunk(canvas, color, taken is not Slot.SURFACE)
    if taken is not Slot.TOP:
        _antennae(canvas, -0.5, -0.3, 0.34)
    canvas.ellipse(-0.48, 0.06, 0.42, 0.42, color)
    eyes(canvas, -0.54, 0.0, 0.17)
    for x in (-0.82, -0.24):
        canvas.ellipse(x, 0.18, 0.07, 0.05, (246, 150, 130), 0)
    highlight(canvas, -0.6, -0.24, 0.1, 0.05, color)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, _ = anchors.top
    _antennae(canvas, x, y + 0.05, 0.42)
    back_x, back_y = anchors.back
    sting = [(back_x - 0.15, back_y - 0.2), (back_x + 0.36, back_y), (back_x - 0.15, back_y + 0.2)]
    canvas.polygon(sting, _BLACK, ink=INK)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, _ = anchors.surface
    width = min(0.24, max(0.13, radius_x * 0.34))
    with canvas.inside_body():
        canvas.rectangle(-1.5, -1.5, 1.5, 1.5, color, 0)
        for step in range(-5, 6):
            left = x + (2 * step - 0.5) * width - 0.1
            canvas.polygon(_stripe(left, y, width, 1.2, 1.2), _BLACK, 0)


THING = Thing(
    name="bee",
    synonyms=("bumblebee",),
    colors=("yellow", "orange"),
    alive=True,
    anchors=Anchors(
        top=(-0.3, -0.36, 0.36),
        bottom=(0.1, 0.6, 0.48),
        surface=(0.22, 0.16, 0.52, 0.4),
        back=(0.76, 0.18),
        side=(-0.84, 0.78, 0.15),
        face=(-0.54, 0.02, 0.17),
    ),
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SURFACE,
        phrases=("bee stripes", "yellow and black bee stripes"),
        colors=("yellow",),
        behind=_behind,
        front=_front,
    ),
)
