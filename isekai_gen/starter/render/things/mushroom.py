"""A mushroom; known by its dotted cap."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, arc, bezier
from isekai_gen.starter.render.palette import Color, darker
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_STEM = (246, 232, 206)
_DOT = (254, 250, 242)
_DOTS = ((-0.6, -0.28, 0.12), (-0.12, -0.64, 0.16), (0.42, -0.46, 0.14), (0.08, -0.2, 0.1),
         (0.78, -0.16, 0.08))  # fmt: skip
_ANCHORS = Anchors(
    top=(0, -0.6, 0.5),
    bottom=(0, 0.64, 0.38),
    surface=(0, -0.3, 0.62, 0.26),
    back=(0.6, -0.05),
    side=(-0.76, 0.76, -0.1),
    face=(0, 0.28, 0.15),
)


def _cap(
    canvas: Canvas,
    x: float,
    y: float,
    half_width: float,
    height: float,
    color: Color,
    dotted: bool = True,
) -> None:
    """A dome whose rim lies at y, with its gills below."""
    gills = arc(x, y, half_width * 0.86, height * 0.2, 0, math.pi, points=18)
    canvas.polygon(gills, darker(_STEM, 0.16))
    dome = [
        arc(x, y, half_width, height, math.pi, 2 * math.pi, points=28),
        bezier((x + half_width, y), (x + half_width * 1.02, y + 0.13), (x, y + 0.09),
               (x - half_width * 1.02, y + 0.13), (x - half_width, y)),
    ]  # fmt: skip
    canvas.polygon(np.concatenate(dome), color)
    if not dotted:
        return
    dot = _DOT if sum(color) < 620 else darker(color, 0.3)
    for across, up, size in _DOTS:
        canvas.ellipse(x + across * half_width, y + up * height, size * half_width,
                       size * half_width * 0.85, dot, 0)  # fmt: skip


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        canvas.rectangle(-0.74, 0.6, -0.6, 0.9, _STEM, 0.8, corner=0.06)
        _cap(canvas, -0.67, 0.64, 0.22, 0.22, color)
    foot = 0.66 if taken is Slot.BOTTOM else 0.86
    stem = [
        bezier((-0.26, -0.1), (-0.26, 0.35), (-0.5, foot)),
        bezier((-0.5, foot), (0, foot + 0.16), (0.5, foot)),
        bezier((0.5, foot), (0.26, 0.35), (0.26, -0.1)),
    ]
    canvas.polygon(np.concatenate(stem), _STEM)
    height = 0.6 if taken is Slot.TOP else 0.84
    _cap(canvas, 0, 0, 0.92, height, color, taken is not Slot.SURFACE)
    highlight(canvas, -0.48, -height * 0.66, 0.12, 0.05, color)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half_width = anchors.top
    width = min(max(half_width * 1.5 + 0.15, 0.66), 0.98, 1.5 - abs(x))
    _cap(canvas, x, max(y + 0.1, -0.8), width, width * 0.74, color)


THING = Thing(
    name="mushroom",
    synonyms=("toadstool",),
    colors=("red", "red", "brown"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("a mushroom cap", "a mushroom hat"),
        colors=("red", "red", "red", "brown"),
        front=_front,
    ),
)
