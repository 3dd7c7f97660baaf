"""A snail; known by its spiral shell."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import INK, WHITE, Color, darker
from isekai_gen.starter.render.parts import dot_eye, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_SKIN = (238, 210, 146)
_NATURAL = ("brown", "orange")


def _shell(canvas: Canvas, x: float, y: float, radius: float, color: Color) -> None:
    canvas.ellipse(x, y, radius, radius, color, 1.2)
    share = np.linspace(0, 1, 44)
    turn = 2 * math.pi * 2.2 * share + 0.7
    distance = radius * 0.98 * (1 - share)
    spiral = np.stack([x + distance * np.cos(turn), y + distance * np.sin(turn)], 1)
    canvas.line(spiral, darker(color, 0.5), radius * 0.1)
    highlight(canvas, x - radius * 0.42, y - radius * 0.66, radius * 0.17, radius * 0.09, color)


def _stalks(canvas: Canvas, color: Color) -> None:
    for x in (-0.84, -0.56):
        canvas.line([(x, 0.0), (x - 0.05, -0.44)], color, 0.07, outlined=True)
        canvas.ellipse(x - 0.06, -0.5, 0.12, 0.13, WHITE, 0.7, ink=INK)
        canvas.ellipse(x - 0.09, -0.49, 0.06, 0.075, INK, 0)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    skin = color if taken is Slot.BACK else _SKIN
    if taken is not Slot.TOP:
        _stalks(canvas, skin)
    slug = [
        bezier((-0.98, 0.3), (-1.05, -0.14), (-0.42, -0.2), (-0.4, 0.26)),
        bezier((-0.4, 0.26), (-0.1, 0.5), (0.6, 0.4), (1.0, 0.8)),
        bezier((1.0, 0.8), (0.2, 0.84), (-0.6, 0.84), (-0.72, 0.8)),
        bezier((-0.72, 0.8), (-0.95, 0.7), (-0.98, 0.3)),
    ]
    canvas.polygon(np.concatenate(slug), skin)
    if taken is Slot.TOP:
        dot_eye(canvas, -0.84, 0.22, 0.08)
        dot_eye(canvas, -0.6, 0.22, 0.08)
    canvas.line(bezier((-0.86, 0.42), (-0.74, 0.54), (-0.6, 0.43), points=8), (90, 50, 50), 0.035)
    canvas.ellipse(-0.51, 0.38, 0.07, 0.05, (246, 160, 140), 0)
    if taken is not Slot.BACK:
        _shell(canvas, 0.26, 0.0, 0.62, color)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y = anchors.back
    shell_x = min(x + 0.26, 0.9)
    lift = 0.24 + 0.6 * (x + 0.26 - shell_x)
    _shell(canvas, shell_x, max(y - lift, -0.7), 0.6, color)


THING = Thing(
    name="snail",
    synonyms=(),
    colors=_NATURAL,
    alive=True,
    anchors=Anchors(
        top=(-0.7, -0.12, 0.3),
        bottom=(0, 0.78, 0.62),
        surface=(0.26, 0.0, 0.52, 0.52),
        back=(0.5, 0.3),
        side=(-0.92, 0.82, 0.35),
        face=(-0.72, 0.18, 0.14),
    ),
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BACK,
        phrases=("a snail shell", "a spiral snail shell"),
        colors=_NATURAL,
        behind=_behind,
    ),
)
