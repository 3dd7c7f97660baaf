"""A crab; known by its claws."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, arc, bezier
from isekai_gen.starter.render.palette import INK, WHITE, Color, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight, smile
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_NATURAL = ("red", "orange")
_ANCHORS = Anchors(
    top=(0, -0.22, 0.46),
    bottom=(0, 0.58, 0.5),
    surface=(0, 0.16, 0.6, 0.36),
    back=(0.64, 0.15),
    side=(-0.66, 0.66, 0.1),
    face=(0, 0.08, 0.18),
)


def _claw(
    canvas: Canvas, shoulder: tuple[float, float], wrist: tuple[float, float], side: int,
    size: float, color: Color,
) -> None:  # fmt: skip
    """An arm from shoulder to wrist and a pincer above it that opens upward and inward."""
    elbow = (wrist[0] + side * 0.05, shoulder[1] + 0.05)
    canvas.tube(bezier(shoulder, elbow, wrist, points=10), 0.1, 0.11, color)
    x, y = wrist[0], wrist[1] - size * 0.75
    gap = -math.pi / 2 - side * 0.35
    hand = arc(x, y, size * 0.86, size, gap + 0.4, gap + 2 * math.pi - 0.4)
    palm = [(x - side * size * 0.16, y - size * 0.34), (x, y + size * 0.02),
            (x + side * size * 0.06, y - size * 0.4)]  # fmt: skip
    canvas.polygon(np.concatenate([hand, palm[::-side]]), color, 1.1)
    highlight(canvas, x - size * 0.36, y + size * 0.05, size * 0.2, size * 0.1, color)


def _legs(canvas: Canvas, color: Color) -> None:
    for side in (-1, 1):
        for leg in range(3):
            hip = (side * (0.62 - 0.16 * leg), 0.34 + 0.1 * leg)
            knee = (side * (0.98 - 0.16 * leg), 0.34 + 0.14 * leg)
            foot = (side * (0.92 - 0.18 * leg), 0.78 + 0.07 * leg)
            canvas.tube(bezier(hip, knee, foot, points=9), 0.08, 0.035, color)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        _legs(canvas, darker(color, 0.12))
    if taken is not Slot.SIDE:
        for side in (-1, 1):
            _claw(canvas, (side * 0.5, 0.1), (side * 0.76, -0.12), side, 0.36, color)
    if taken is not Slot.TOP:
        for x in (-0.2, 0.2):
            canvas.line([(x, -0.1), (x, -0.42)], color, 0.09, outlined=True)
            canvas.ellipse(x, -0.5, 0.15, 0.16, WHITE, 0.8, ink=INK)
            canvas.ellipse(x - 0.02, -0.48, 0.08, 0.1, INK, 0)
            canvas.ellipse(x - 0.05, -0.53, 0.03, 0.035, WHITE, 0)
    shell = [
        bezier((-0.72, 0.14), (-0.72, -0.36), (0.72, -0.36), (0.72, 0.14)),
        bezier((0.72, 0.14), (0.6, 0.74), (-0.6, 0.74), (-0.72, 0.14)),
    ]
    canvas.polygon(np.concatenate(shell), color)
    if taken is not Slot.SURFACE:
        for x, y, size in ((-0.34, 0.34, 0.06), (0.36, 0.32, 0.06), (0.46, 0.1, 0.045)):
            canvas.ellipse(x, y, size, size, lighter(color, 0.35), 0)
    highlight(canvas, -0.4, -0.04, 0.13, 0.06, color)
    if taken is Slot.TOP:
        eyes(canvas, *_ANCHORS.face)
    else:
        smile(canvas, 0, 0.2, 0.36)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    left, right, y = anchors.side
    for side, flank in ((-1, left), (1, right)):
        wrist_x = side * min(max(abs(flank) + 0.3, 0.72), 1.02)
        shoulder = (flank - side * 0.06, y + 0.04)
        _claw(canvas, shoulder, (wrist_x, max(y - 0.12, -0.75)), side, 0.46, color)


THING = Thing(
    name="crab",
    synonyms=(),
    colors=_NATURAL,
    alive=True,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SIDE,
        phrases=("crab claws", "crab pincers"),
        colors=_NATURAL,
        front=_front,
    ),
)
