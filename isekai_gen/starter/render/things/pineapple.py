"""A pineapple; known by its crown of pointed leaves."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, blend, darker
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_LEAF = (84, 168, 76)
_ANCHORS = Anchors(
    top=(0, -0.38, 0.32),
    bottom=(0, 0.86, 0.36),
    surface=(0, 0.24, 0.48, 0.58),
    back=(0.5, 0.3),
    side=(-0.52, 0.52, 0.25),
    face=(0, 0.16, 0.19),
)
_HALF_WIDTH, _HALF_HEIGHT, _MIDDLE = 0.56, 0.68, 0.24


def _leaf(canvas: Canvas, x: float, y: float, lean: float, length: float, color: Color) -> None:
    """A pointed leaf that rises from (x, y) and bends to the side as it leans."""
    tip_x, tip_y = x + length * math.sin(lean), y - length * math.cos(lean)
    width = length * 0.16
    bend = math.copysign(length * 0.12, lean) if lean else 0.0
    left = (x - width * 1.5 - bend * 0.4, y - length * 0.5)
    right = (x + width * 1.5 - bend * 0.4, y - length * 0.5)
    edge = [
        bezier((x - width, y), left, (tip_x, tip_y), points=9),
        bezier((tip_x, tip_y), right, (x + width, y), points=9),
    ]
    canvas.polygon(np.concatenate(edge), color, 0.85)


def _crown(canvas: Canvas, x: float, y: float, half: float, height: float, color: Color) -> None:
    """Three layers of leaves, the tallest at the rear, that rise from around (x, y)."""
    layers = ((5, 0.62, 1.0, 0.0), (4, 0.95, 0.78, 0.14), (5, 1.3, 0.5, 0.3))
    for count, spread, share, tint in layers:
        shade = blend(color, (206, 226, 90), tint)
        order = sorted(np.linspace(-1, 1, count), key=abs, reverse=True)
        for place in order:
            root = x + place * half * 0.6
            _leaf(canvas, root, y, place * spread, height * share, shade)


def _skin(canvas: Canvas, color: Color) -> None:
    """Crossed diagonal lines over the whole fruit, with a dot in each field."""
    groove = darker(color, 0.34)
    for tilt in (-1, 1):
        for offset in np.linspace(-0.8, 0.8, 6):
            reach = math.sqrt(1 - offset**2)
            ends = np.array([[-reach, offset], [reach, offset]]) * 0.98
            turned = np.stack(
                [ends[:, 0] - tilt * ends[:, 1], tilt * ends[:, 0] + ends[:, 1]], 1
            ) * math.sqrt(0.5)
            path = turned * (_HALF_WIDTH, _HALF_HEIGHT) + (0, _MIDDLE)
            canvas.line(path, groove, 0.035)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.TOP:
        _crown(canvas, 0, -0.3, 0.32, 0.72, _LEAF)
    canvas.ellipse(0, _MIDDLE, _HALF_WIDTH, _HALF_HEIGHT, color)
    if taken is not Slot.SURFACE:
        _skin(canvas, color)
    highlight(canvas, -0.32, -0.12, 0.1, 0.05, color)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = anchors.top
    width = min(0.5, max(0.34, half))
    root = y + 0.08
    _crown(canvas, x, root, width, max(0.74, min(0.92, root + 1.52)), color)


THING = Thing(
    name="pineapple",
    synonyms=(),
    colors=("yellow", "orange"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("a pineapple crown", "pineapple leaves"),
        colors=("green",),
        front=_front,
    ),
)
