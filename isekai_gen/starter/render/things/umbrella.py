"""An umbrella; known by its canopy."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, Points, arc, bezier
from isekai_gen.starter.render.palette import Color, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_WOOD = (138, 92, 62)
_METAL = (70, 66, 78)
_PANELS = 5
_NATURAL = ("red", "blue", "purple")
_ANCHORS = Anchors(
    top=(0, -0.78, 0.36),
    bottom=(0, 0.1, 0.45),
    surface=(0, -0.34, 0.74, 0.32),
    back=(0.75, -0.1),
    side=(-0.86, 0.86, -0.12),
    face=(0, -0.46, 0.17),
)


def _panel(
    x: float, y: float, half_width: float, height: float, left: float, right: float
) -> Points:
    """One cloth panel between two ribs, given as shares of the half-width."""

    def rib(share: float) -> Points:
        edge = x + share * half_width
        bulge = (x + share * half_width * 0.96, y - height * 0.84)
        return bezier((x, y - height), bulge, (edge, y), points=10)

    middle, span = x + (left + right) / 2 * half_width, (right - left) / 2 * half_width
    rim = arc(middle, y, span, height * 0.13, math.pi, 2 * math.pi, points=9)
    return np.concatenate([rib(left), rim, np.asarray(rib(right))[::-1]])


def _canopy(
    canvas: Canvas,
    x: float,
    y: float,
    half_width: float,
    height: float,
    colors: tuple[Color, Color],
) -> None:
    """A dome of panels in two colors by turns; its rim lies at y."""
    edges = [-1 + 2 * i / _PANELS for i in range(_PANELS + 1)]
    for i in range(_PANELS):
        panel = _panel(x, y, half_width, height, edges[i], edges[i + 1])
        canvas.polygon(panel, colors[i % 2])


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        hook = bezier((0, 0.66), (0, 1.06), (0.38, 1.06), (0.38, 0.72))
        canvas.line(np.concatenate([[(0, -0.6)], hook]), _WOOD, 0.09, outlined=True)
    if taken is not Slot.TOP:
        canvas.line([(0, -0.95), (0, -0.75)], _METAL, 0.07)
    plain = taken is Slot.SURFACE
    _canopy(canvas, 0, 0, 0.98, 0.82, (color, color if plain else lighter(color, 0.5)))
    highlight(canvas, -0.52, -0.46, 0.1, 0.05, color)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _rim(anchors: Anchors) -> float:
    return max(anchors.top[1] - 0.16, -0.8)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, _ = anchors.top
    canvas.line([(x, _rim(anchors) - 0.8), (x, y + 0.3)], _WOOD, 0.08, outlined=True)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, _, half_width = anchors.top
    width = min(max(half_width * 1.5 + 0.3, 0.9), 1.12, 1.5 - abs(x))
    _canopy(canvas, x, _rim(anchors), width, 0.66, (color, lighter(color, 0.75)))


THING = Thing(
    name="umbrella",
    synonyms=("parasol",),
    colors=_NATURAL,
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("an umbrella on top", "an umbrella canopy"),
        colors=_NATURAL,
        behind=_behind,
        front=_front,
    ),
)
