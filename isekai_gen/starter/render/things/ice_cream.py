"""An ice cream; known by its waffle cone."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, arc, bezier
from isekai_gen.starter.render.palette import COLORS, Color, blend, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_WAFFLE = (236, 190, 120)
_ANCHORS = Anchors(
    top=(0, -0.86, 0.32),
    bottom=(0, 0.14, 0.46),
    surface=(0, -0.22, 0.44, 0.46),
    back=(0.5, -0.15),
    side=(-0.5, 0.5, -0.1),
    face=(0, -0.16, 0.19),
)
_SPRINKLES = ((-0.2, -0.66, "blue"), (0.12, -0.74, "yellow"), (0.22, -0.5, "green"),
              (-0.08, -0.5, "purple"), (-0.36, -0.2, "yellow"), (0.38, -0.2, "red"),
              (-0.3, 0.06, "teal"), (0.32, 0.06, "blue"))  # fmt: skip


def _cone(canvas: Canvas, x: float, y: float, half_width: float, length: float) -> None:
    """A waffle cone whose rim lies at y."""
    line = darker(_WAFFLE, 0.35)
    tip = bezier((x + half_width * 0.12, y + length * 0.9), (x, y + length * 1.04),
                 (x - half_width * 0.12, y + length * 0.9), points=6)  # fmt: skip
    canvas.polygon([(x - half_width, y), (x + half_width, y), *tip], _WAFFLE)
    for share in (0.2, 0.4, 0.6, 0.8):
        start, end = half_width * (1 - 2 * share), half_width * (1 - share)
        for side in (-1, 1):
            canvas.line([(x + side * start, y), (x + side * end, y + length * share)], line, 0.03)
    canvas.rectangle(x - half_width * 1.1, y - 0.1, x + half_width * 1.1, y + 0.08,
                     lighter(_WAFFLE, 0.25), corner=0.06)  # fmt: skip


def _lower_scoop() -> np.ndarray:
    drips = [arc(0.4 - 0.2 * i, 0.1, 0.1, 0.09 + 0.06 * (i % 2), 0, math.pi, points=8)
             for i in range(5)]  # fmt: skip
    return np.concatenate([arc(0, -0.1, 0.54, 0.42, math.pi * 0.9, math.pi * 2.1), *drips])


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        _cone(canvas, 0, 0.12, 0.42, 0.88)
    if taken is not Slot.TOP:
        canvas.line(bezier((0, -0.95), (0.04, -1.12), (0.18, -1.14), points=6), (80, 110, 50), 0.04)
        canvas.ellipse(0, -0.9, 0.13, 0.13, (208, 30, 50))
        canvas.ellipse(-0.04, -0.95, 0.03, 0.03, (255, 190, 190), 0)
    canvas.ellipse(0, -0.5, 0.42, 0.38, color)
    canvas.polygon(_lower_scoop(), color)
    highlight(canvas, -0.2, -0.7, 0.11, 0.06, color)
    if taken is not Slot.SURFACE:
        for i, (x, y, name) in enumerate(_SPRINKLES):
            lean = 0.05 if i % 2 else -0.05
            canvas.line([(x - 0.04, y - lean), (x + 0.04, y + lean)],
                        blend(COLORS[name], color, 0.1), 0.045)  # fmt: skip
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half_width = anchors.bottom
    rim = min(y, 0.72) - 0.08
    width = min(max(half_width, 0.46), 0.66)
    _cone(canvas, x, rim, width, min(0.95, 1.42 - rim))


THING = Thing(
    name="ice cream",
    synonyms=("ice cream cone",),
    colors=("pink", "white", "brown"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BOTTOM,
        phrases=("an ice cream cone", "a waffle cone"),
        colors=("orange",),
        front=_front,
    ),
)
