"""A strawberry; known by its red skin with yellow seeds and its green leaves."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_LEAF = (88, 172, 70)
_SEED = (255, 226, 120)
_ANCHORS = Anchors(
    top=(0, -0.56, 0.42),
    bottom=(0, 0.84, 0.26),
    surface=(0, 0.0, 0.54, 0.5),
    back=(0.58, 0.05),
    side=(-0.6, 0.6, 0.0),
    face=(0, 0.0, 0.19),
)


def _leaves(canvas: Canvas, x: float, y: float, half: float) -> None:
    """A star of leaves that lies over the upper end of a body, with a stem."""
    stem = bezier((x, y), (x, y - half * 0.4), (x + half * 0.25, y - half * 0.7), points=8)
    canvas.line(stem, _LEAF, half * 0.17, outlined=True)
    for turn in (0.02, 0.98, 0.2, 0.8, 0.36, 0.64, 0.5):
        angle = math.pi * turn
        out_x, out_y = math.cos(angle), 0.12 + 0.5 * math.sin(angle)
        tip = (x + half * 1.12 * out_x, y + half * out_y)
        middle = (x + half * 0.6 * out_x, y + half * 0.45 * out_y)
        side = half * 0.27
        leaf = [
            bezier((x, y), (middle[0] - side, middle[1] - side * 0.8), tip, points=8),
            bezier(tip, (middle[0] + side, middle[1] + side * 0.6), (x, y), points=8),
        ]
        canvas.polygon(np.concatenate(leaf), _LEAF, 0.8)
    canvas.ellipse(x, y, half * 0.3, half * 0.17, _LEAF, 0)


def _seed(canvas: Canvas, x: float, y: float) -> None:
    canvas.line([(x, y - 0.035), (x, y + 0.035)], _SEED, 0.062, outlined=True)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    sides = [
        bezier((0, -0.5), (-0.62, -0.84), (-1.25, -0.02), (0, 0.95)),
        bezier((0, 0.95), (1.25, -0.02), (0.62, -0.84), (0, -0.5)),
    ]
    canvas.polygon(np.concatenate(sides), color)
    if taken is not Slot.SURFACE:
        for row, width in enumerate((0.5, 0.54, 0.5, 0.36, 0.17)):
            count = (4, 5, 4, 3, 2)[row]
            for x in np.linspace(-width, width, count):
                _seed(canvas, float(x), -0.22 + 0.23 * row)
    highlight(canvas, -0.43, -0.42, 0.1, 0.05, color)
    if taken is not Slot.TOP:
        _leaves(canvas, 0, -0.58, 0.52)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    with canvas.inside_body():
        canvas.rectangle(-1.5, -1.5, 1.5, 1.5, color, 0)
        for row in range(10):
            for column in range(8):
                x = -1.08 + 0.29 * (column + 0.5 * (row % 2))
                _seed(canvas, x, -1.05 + 0.22 * row)
    x, y, half = anchors.top
    _leaves(canvas, x, y - 0.03, min(0.68, max(0.42, half * 1.25)))


THING = Thing(
    name="strawberry",
    synonyms=(),
    colors=("red", "pink"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SURFACE,
        phrases=("strawberry seeds", "strawberry skin"),
        colors=("red",),
        front=_front,
    ),
)
