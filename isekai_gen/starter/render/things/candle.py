"""A candle; known by its flame."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, arc, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_WAX = (252, 240, 212)
_BRASS = (214, 164, 70)
_WICK = (70, 52, 50)

_ANCHORS = Anchors(
    top=(0, -0.36, 0.38),
    bottom=(0, 0.74, 0.4),
    surface=(0, 0.24, 0.34, 0.46),
    back=(0.38, 0.25),
    side=(-0.4, 0.4, 0.2),
    face=(0, 0.2, 0.17),
)


def _flame(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    """A flame of height `size` whose lower end lies at (x, y)."""
    for share, shade in ((1.0, color), (0.68, (255, 206, 70)), (0.38, (255, 246, 196))):
        width, height = size * 0.66 * share, size * share
        right = bezier(
            (x, y),
            (x + width, y),
            (x + width * 0.5, y - height * 0.6),
            (x - width * 0.1, y - height),
        )
        left = bezier(
            (x - width * 0.1, y - height),
            (x - width * 0.45, y - height * 0.6),
            (x - width, y),
            (x, y),
        )
        canvas.polygon(np.concatenate([right, left]), shade, 1.0 if share == 1 else 0)


def _melted_rim(canvas: Canvas, x: float, y: float, half: float, color: Color) -> None:
    """Molten wax that covers the upper end around (x, y) and drips down in front."""
    points = [*arc(x, y, half, 0.11, math.pi, 2 * math.pi, points=12)]
    drops = [half * length for length in (0.5, 0.16, 0.7, 0.28, 0.44)]
    step = 2 * half / len(drops)
    for i, drop in enumerate(drops):
        center = x + half - step * (i + 0.5)
        points += [*arc(center, y + drop, step * 0.42, step * 0.45, 0, math.pi, points=6)]
        points.append((center - step * 0.5, y + half * 0.16))
    canvas.polygon(points[:-1], color)
    canvas.ellipse(x, y, half * 0.7, 0.06, darker(color, 0.12), 0)


def _wick_and_flame(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    canvas.line([(x, y), (x, y - 0.2)], _WICK, 0.07)
    _flame(canvas, x, y - 0.1, size, color)
    canvas.line([(x, y - 0.08), (x, y - 0.2)], _WICK, 0.06)


def _holder(canvas: Canvas) -> None:
    canvas.line(arc(0.62, 0.72, 0.2, 0.17, -math.pi, math.pi * 0.7), _BRASS, 0.09, outlined=True)
    canvas.polygon([(-0.7, 0.68), (0.7, 0.68), (0.46, 0.93), (-0.46, 0.93)], _BRASS)
    canvas.ellipse(0, 0.68, 0.7, 0.12, lighter(_BRASS, 0.3))


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        _holder(canvas)
    foot = arc(0, 0.66, 0.38, 0.09, 0, math.pi)
    canvas.polygon(np.concatenate([foot, [(-0.38, -0.34), (0.38, -0.34)]]), color)
    _melted_rim(canvas, 0, -0.34, 0.4, lighter(color, 0.5))
    if taken is not Slot.TOP:
        _wick_and_flame(canvas, 0, -0.32, 0.62, (246, 140, 40))
    if with_face:
        eyes(canvas, *_ANCHORS.face)
    highlight(canvas, -0.22, 0.42, 0.05, 0.12, color)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = anchors.top
    _melted_rim(canvas, x, y + 0.02, min(0.48, max(0.26, half * 0.9)), _WAX)
    _wick_and_flame(canvas, x, y, 0.86, color)


THING = Thing(
    name="candle",
    synonyms=(),
    colors=("white", "red", "purple"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("a candle flame", "a candle flame on top"),
        colors=("orange",),
        front=_front,
    ),
)
