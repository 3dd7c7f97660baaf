"""A car; known by its wheels."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, arc, bezier
from isekai_gen.starter.render.palette import INK, Color, darker
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_GLASS = (176, 224, 248)
_METAL = (176, 180, 190)
_TIRE = (58, 56, 66)
_ANCHORS = Anchors(
    top=(0.06, -0.54, 0.38),
    bottom=(0, 0.44, 0.62),
    surface=(0.16, 0.14, 0.6, 0.3),
    back=(0.9, 0.1),
    side=(-0.92, 0.92, 0.2),
    face=(-0.34, 0.04, 0.12),
)


def _wheel(canvas: Canvas, x: float, y: float, radius: float, hub: Color = _METAL) -> None:
    canvas.ellipse(x, y, radius, radius, _TIRE, ink=INK)
    canvas.ellipse(x, y, radius * 0.6, radius * 0.6, hub, 0.7)
    for spoke in range(5):
        turn = 2 * math.pi * spoke / 5 - math.pi / 2
        end = (x + radius * 0.5 * math.cos(turn), y + radius * 0.5 * math.sin(turn))
        canvas.line([(x, y), end], darker(hub, 0.5), radius * 0.13)
    canvas.ellipse(x, y, radius * 0.17, radius * 0.17, hub, 0.5)


def _windows(canvas: Canvas) -> None:
    front = [(-0.44, -0.1), (-0.3, -0.38), (-0.22, -0.42), (0.02, -0.42), (0.02, -0.1)]
    rear = [(0.12, -0.1), (0.12, -0.42), (0.34, -0.42), (0.46, -0.36), (0.58, -0.1)]
    for window in (front, rear):
        canvas.polygon(window, _GLASS, 0.8)
    canvas.line([(-0.26, -0.16), (-0.14, -0.36)], (255, 255, 255), 0.04)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    shell = [
        bezier((-0.96, 0.42), (-1.06, -0.02), (-0.6, -0.06), points=10),
        bezier((-0.6, -0.06), (-0.42, -0.58), (-0.1, -0.56), points=10),
        bezier((-0.1, -0.56), (0.66, -0.64), (0.74, -0.04), points=14),
        bezier((0.74, -0.04), (1.02, 0.0), (0.96, 0.42), points=10),
    ]
    canvas.polygon(np.concatenate(shell), color)
    _windows(canvas)
    canvas.ellipse(-0.86, 0.14, 0.1, 0.11, (255, 240, 150), 0.8)
    canvas.rectangle(0.84, 0.06, 0.95, 0.22, (224, 60, 56), 0.7, corner=0.04)
    for left in (-1.03, 0.73):
        canvas.rectangle(left, 0.34, left + 0.3, 0.46, _METAL, 0.8, corner=0.05)
    if taken is not Slot.SURFACE:
        canvas.line([(0.07, -0.06), (0.07, 0.36)], darker(color, 0.4), 0.025)
        canvas.line([(0.14, 0.04), (0.26, 0.04)], darker(color, 0.5), 0.045)
    highlight(canvas, -0.68, 0.04, 0.08, 0.03, color)
    if taken is not Slot.BOTTOM:
        for x in (-0.54, 0.54):
            canvas.polygon(arc(x, 0.42, 0.31, 0.3, math.pi, 2 * math.pi), darker(color, 0.6), 0)
            _wheel(canvas, x, 0.46, 0.25)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = anchors.bottom
    gap = min(0.64, max(0.46, half * 0.85))
    radius = gap * 0.6
    canvas.rectangle(x - gap - 0.22, y - 0.07, x + gap + 0.22, y + 0.15, color, corner=0.07)
    canvas.ellipse(x - gap - 0.2, y + 0.02, 0.08, 0.1, (255, 240, 150), 0.8)
    for side in (-1, 1):
        _wheel(canvas, x + side * gap, y + 0.2, radius)


THING = Thing(
    name="car",
    synonyms=("automobile",),
    colors=("red", "blue", "yellow"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BOTTOM,
        phrases=("car wheels", "wheels of a car"),
        colors=("red", "gray", "blue"),
        front=_front,
    ),
)
