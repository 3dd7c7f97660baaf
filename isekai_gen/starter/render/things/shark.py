"""A shark; known by its dorsal fin."""

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import INK, WHITE, Color, darker, lighter
from isekai_gen.starter.render.parts import dot_eye, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_BELLY = (246, 246, 242)
_MOUTH = (150, 40, 52)


def _dorsal_fin(
    canvas: Canvas, x: float, y: float, half: float, height: float, color: Color
) -> None:
    tip = (x + half * 0.9, y - height)
    leading = bezier((x - half, y), (x - half * 0.3, y - height * 0.95), tip)
    trailing = bezier(tip, (x + half * 0.4, y - height * 0.45), (x + half, y))
    canvas.polygon(np.concatenate([leading, trailing]), color)
    shine = bezier(
        (x - half * 0.6, y - height * 0.16),
        (x - half * 0.15, y - height * 0.76),
        (x + half * 0.45, y - height * 0.88),
    )
    canvas.line(shine, lighter(color, 0.45), 0.06)


def _tail_and_far_fin(canvas: Canvas, color: Color) -> None:
    shade = darker(color, 0.16)
    tail = [
        bezier((0.48, -0.06), (0.78, -0.2), (0.98, -0.66)),
        bezier((0.98, -0.66), (1.0, -0.2), (0.84, 0.02)),
        bezier((0.84, 0.02), (0.9, 0.2), (0.94, 0.46)),
        bezier((0.94, 0.46), (0.7, 0.3), (0.48, 0.1)),
    ]
    canvas.polygon(np.concatenate(tail), shade)
    canvas.polygon(bezier((-0.5, 0.3), (-0.5, 0.66), (-0.3, 0.72), (-0.28, 0.3)), shade)


def _mouth(canvas: Canvas) -> None:
    upper = bezier((-0.93, 0.1), (-0.68, 0.22), (-0.44, 0.06), points=9)
    lower = bezier((-0.44, 0.06), (-0.5, 0.4), (-0.8, 0.31), points=9)
    canvas.polygon(np.concatenate([upper, lower]), _MOUTH, 0.7, ink=INK)
    teeth = [(x, y + 0.1 * (i % 2)) for i, (x, y) in enumerate(upper)]
    canvas.polygon([*teeth, *upper[::-1]], WHITE, 0.35, ink=INK)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BACK:
        _tail_and_far_fin(canvas, color)
    if taken is not Slot.TOP:
        _dorsal_fin(canvas, 0.02, -0.34, 0.34, 0.56, darker(color, 0.1))
    back = bezier((-1.02, -0.02), (-0.76, -0.58), (0.1, -0.64), (0.66, -0.04))
    below = bezier((0.66, 0.06), (0.2, 0.54), (-0.7, 0.7), (-1.02, -0.02))
    canvas.polygon(np.concatenate([back, below]), color)
    waist = bezier((-0.98, 0.06), (-0.5, 0.26), (0.1, 0.24), (0.66, 0.06))
    canvas.polygon(np.concatenate([below, waist]), _BELLY, 0)
    canvas.line(below, darker(color, 0.62), 0.042)
    _mouth(canvas)
    for x in (-0.3, -0.2, -0.1):
        gill = bezier((x, -0.12), (x + 0.08, 0.02), (x, 0.16), points=7)
        canvas.line(gill, darker(color, 0.5), 0.035)
    flipper = np.concatenate(
        [
            bezier((-0.08, 0.24), (0.0, 0.56), (0.32, 0.74)),
            bezier((0.32, 0.74), (0.3, 0.4), (0.2, 0.22)),
        ]
    )
    canvas.polygon(flipper, darker(color, 0.1))
    canvas.ellipse(-0.62, -0.12, 0.11, 0.12, WHITE, 0.6, ink=INK)
    dot_eye(canvas, -0.64, -0.1, 0.06)
    highlight(canvas, -0.3, -0.34, 0.16, 0.05, color)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = anchors.top
    half = min(0.7, max(0.46, half * 1.4))
    _dorsal_fin(canvas, x, y + 0.22, half, 1.08, color)


THING = Thing(
    name="shark",
    synonyms=(),
    colors=("gray", "blue"),
    alive=True,
    anchors=Anchors(
        top=(-0.12, -0.45, 0.42),
        bottom=(-0.15, 0.46, 0.42),
        surface=(-0.1, -0.1, 0.56, 0.3),
        back=(0.62, 0.0),
        side=(-0.8, 0.56, 0.05),
        face=(-0.64, -0.12, 0.13),
    ),
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("a shark fin", "a shark fin on top"),
        colors=("gray", "blue"),
        behind=_behind,
    ),
)
