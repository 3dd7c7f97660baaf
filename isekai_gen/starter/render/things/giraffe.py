"""A giraffe; known by its brown patches."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import COLORS, Color, darker, lighter
from isekai_gen.starter.render.parts import dot_eye
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_HOOF = (96, 66, 52)
_MARGIN = (255, 238, 196)
_ANCHORS = Anchors(
    top=(-0.54, -0.82, 0.2),
    bottom=(0.24, 0.5, 0.44),
    surface=(0.24, 0.24, 0.46, 0.3),
    back=(0.7, 0.2),
    side=(-0.26, 0.74, 0.25),
    face=(-0.6, -0.68, 0.1),
)
_PATCHES = (
    (-0.42, -0.38, 0.1), (-0.24, -0.2, 0.11), (-0.38, -0.08, 0.09), (-0.12, 0.06, 0.13),
    (0.12, 0.34, 0.13), (0.18, 0.06, 0.12), (0.42, 0.2, 0.15), (0.62, 0.34, 0.1),
    (-0.14, 0.32, 0.1), (0.4, 0.46, 0.08), (0.58, 0.06, 0.08),
)  # fmt: skip


def _patch(canvas: Canvas, x: float, y: float, radius: float, color: Color, ink: Color) -> None:
    """A rounded six-cornered patch with random corners."""
    corners = []
    for corner in range(6):
        turn = corner * math.pi / 3 + canvas.rng.uniform(-0.2, 0.2)
        reach = radius * canvas.rng.uniform(0.86, 1.12)
        corners.append((x + reach * math.cos(turn), y + reach * math.sin(turn)))
    canvas.polygon(corners, color, 0.7, ink)


def _legs_and_tail(canvas: Canvas, color: Color, taken: Slot | None) -> None:
    if taken is not Slot.BACK:
        tail = bezier((0.66, 0.16), (0.9, 0.2), (0.86, 0.5), points=10)
        canvas.line(tail, color, 0.05, outlined=True)
        canvas.ellipse(0.86, 0.56, 0.06, 0.1, _HOOF, 0.8)
    if taken is not Slot.BOTTOM:
        for x in (-0.1, 0.12, 0.42, 0.62):
            canvas.tube([(x, 0.3), (x, 0.6), (x, 0.94)], 0.1, 0.07, color)
            canvas.rectangle(x - 0.08, 0.86, x + 0.08, 0.97, _HOOF, 0.8, corner=0.03)


def _head(canvas: Canvas, color: Color, has_horns: bool) -> None:
    if has_horns:
        for x in (-0.6, -0.44):
            canvas.line([(x, -0.76), (x, -0.96)], color, 0.05, outlined=True)
            canvas.ellipse(x, -0.97, 0.06, 0.055, _HOOF, 0.8)
    canvas.ellipse(-0.28, -0.74, 0.14, 0.065, color, 0.9, angle=-0.35)
    canvas.ellipse(-0.58, -0.68, 0.24, 0.17, color, angle=-0.3)
    canvas.ellipse(-0.78, -0.58, 0.14, 0.12, lighter(color, 0.5), 0.9)
    canvas.ellipse(-0.84, -0.61, 0.02, 0.026, _HOOF, 0)
    canvas.line(bezier((-0.86, -0.53), (-0.78, -0.48), (-0.7, -0.52), points=7), _HOOF, 0.025)
    dot_eye(canvas, -0.57, -0.73)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    _legs_and_tail(canvas, color, taken)
    mane = bezier((-0.36, -0.7), (-0.12, -0.3), (0.16, -0.06), points=10)
    canvas.line(mane, _HOOF, 0.1, outlined=True)
    torso = [
        bezier((-0.64, -0.58), (-0.42, -0.1), (-0.3, 0.3), points=10),
        bezier((-0.3, 0.3), (-0.22, 0.56), (0.26, 0.56), points=10),
        bezier((0.26, 0.56), (0.76, 0.56), (0.76, 0.24), points=10),
        bezier((0.76, 0.24), (0.72, -0.06), (0.16, -0.08), points=10),
        bezier((0.16, -0.08), (-0.16, -0.3), (-0.38, -0.66), points=10),
    ]
    canvas.polygon(np.concatenate(torso), color)
    if taken is not Slot.SURFACE:
        brown = COLORS["brown"]
        spots = brown if sum(map(abs, np.subtract(color, brown))) > 90 else darker(brown, 0.5)
        for x, y, radius in _PATCHES:
            _patch(canvas, x, y, radius, spots, darker(spots, 0.2))
    _head(canvas, color, taken is not Slot.TOP)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    with canvas.inside_body():
        for row in range(6):
            for column in range(5):
                x = -0.94 + 0.44 * (column + 0.5 * (row % 2))
                _patch(canvas, x, -0.92 + 0.38 * row, 0.19, color, _MARGIN)


THING = Thing(
    name="giraffe",
    synonyms=(),
    colors=("yellow", "orange"),
    alive=True,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SURFACE,
        phrases=("giraffe spots", "giraffe patches"),
        colors=("brown",),
        front=_front,
    ),
)
