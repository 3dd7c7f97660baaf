"""A deer; known by its antlers."""

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, blend, darker, lighter
from isekai_gen.starter.render.parts import dot_eye
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_CREAM = (250, 236, 214)
_HORN = (236, 206, 160)


def _antler(
    canvas: Canvas, x: float, y: float, side: int, width: float, height: float, color: Color
) -> None:
    """One antler that leans out to `side`; its three prongs point up."""
    beam = bezier(
        (x, y),
        (x + side * width * 0.9, y - height * 0.25),
        (x + side * width * 1.05, y - height * 0.6),
        (x + side * width * 0.8, y - height),
        points=14,
    )
    prongs = [
        (beam[4], (x + side * width * 0.1, y - height * 0.66)),
        (beam[7], (x + side * width * 0.42, y - height * 0.92)),
        (beam[6], (x + side * width * 1.3, y - height * 0.62)),
    ]
    thick = min(0.1, 0.15 * height)
    strokes = [beam] + [bezier(tuple(root), tip, points=3) for root, tip in prongs]
    for stroke in strokes:
        canvas.line(stroke, color, thick, outlined=True)
    for stroke in strokes:
        canvas.line(stroke, color, thick)


def _antlers(
    canvas: Canvas, x: float, y: float, gap: float, width: float, height: float, color: Color
) -> None:
    for side in (-1, 1):
        _antler(canvas, x + side * gap, y, side, width, height, color)


def _legs(canvas: Canvas, color: Color) -> None:
    for x, near in ((-0.16, False), (0.46, False), (-0.3, True), (0.6, True)):
        shade = color if near else darker(color, 0.2)
        leg = [(x - 0.1, 0.3), (x + 0.12, 0.3), (x + 0.07, 0.84), (x - 0.07, 0.84)]
        canvas.polygon(leg, shade)
        canvas.rectangle(x - 0.085, 0.82, x + 0.085, 0.96, (76, 54, 52), 0.7, corner=0.03)


def _head(canvas: Canvas, color: Color) -> None:
    canvas.ellipse(-0.22, -0.44, 0.2, 0.09, color, angle=-0.35)
    canvas.ellipse(-0.2, -0.44, 0.12, 0.05, (246, 190, 176), 0, angle=-0.35)
    canvas.ellipse(-0.5, -0.36, 0.27, 0.25, color)
    canvas.ellipse(-0.72, -0.24, 0.2, 0.15, _CREAM, 0.8)
    canvas.ellipse(-0.88, -0.3, 0.07, 0.06, (50, 36, 44), 0)
    canvas.line(bezier((-0.84, -0.16), (-0.74, -0.1), (-0.66, -0.17), points=7), (80, 50, 46), 0.03)
    dot_eye(canvas, -0.54, -0.37, 0.075)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.TOP:
        horn = blend(darker(color, 0.35), _HORN, 0.45)
        _antlers(canvas, -0.46, -0.54, 0.08, 0.26, 0.5, horn)
    if taken is not Slot.BACK:
        canvas.ellipse(0.8, 0.02, 0.13, 0.09, _CREAM, angle=-0.8)
    if taken is not Slot.BOTTOM:
        _legs(canvas, color)
    trunk = [
        bezier((-0.66, -0.3), (-0.56, 0.2), (-0.5, 0.52), (-0.1, 0.54)),
        bezier((-0.1, 0.54), (0.5, 0.62), (0.82, 0.5), (0.8, 0.14)),
        bezier((0.8, 0.14), (0.76, -0.16), (0.2, -0.16), (-0.08, -0.1)),
        bezier((-0.08, -0.1), (-0.24, -0.12), (-0.26, -0.3)),
    ]
    canvas.polygon(np.concatenate(trunk), color)
    canvas.polygon(
        np.concatenate(
            [
                bezier((-0.58, -0.16), (-0.36, 0.0), (-0.34, 0.32)),
                bezier((-0.34, 0.44), (-0.5, 0.36), (-0.58, -0.16)),
            ]
        ),
        _CREAM,
        0,
    )
    if taken is not Slot.SURFACE:
        for x, y in (
            (0.12, 0.04),
            (0.34, 0.0),
            (0.56, 0.06),
            (0.22, 0.2),
            (0.45, 0.2),
            (0.66, 0.24),
        ):
            canvas.ellipse(x, y, 0.05, 0.042, lighter(color, 0.7), 0)
    _head(canvas, color)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = anchors.top
    gap = min(0.3, max(0.12, half * 0.5))
    _antlers(canvas, x, y + 0.12, gap, 0.52, 0.98, blend(color, _HORN, 0.3))


THING = Thing(
    name="deer",
    synonyms=(),
    colors=("brown", "orange"),
    alive=True,
    anchors=Anchors(
        top=(-0.48, -0.64, 0.24),
        bottom=(0.12, 0.56, 0.5),
        surface=(0.2, 0.2, 0.48, 0.28),
        back=(0.76, 0.12),
        side=(-0.52, 0.78, 0.34),
        face=(-0.55, -0.38, 0.13),
    ),
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("deer antlers", "antlers"),
        colors=("brown",),
        behind=_behind,
    ),
)
