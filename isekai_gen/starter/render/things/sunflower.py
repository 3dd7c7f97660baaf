"""A sunflower; known by its ring of petals."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import COLORS, Color, darker
from isekai_gen.starter.render.parts import eyes
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_HEART = (150, 98, 56)
_LEAF = (88, 160, 70)
_GOLDEN_TURN = 2.39996
_ANCHORS = Anchors(
    top=(0, -0.76, 0.38),
    bottom=(0, 0.36, 0.4),
    surface=(0, -0.2, 0.42, 0.42),
    back=(0.42, -0.1),
    side=(-0.46, 0.46, -0.15),
    face=(0, -0.24, 0.18),
)


def _petals(
    canvas: Canvas,
    center: tuple[float, float],
    inner: tuple[float, float],
    length: float,
    color: Color,
    count: int = 14,
) -> None:
    """Two rings of pointed petals around an ellipse of radii `inner`; the rear ring is darker."""
    half = math.pi / count * 1.15
    edge = np.concatenate([
        bezier((0.0, -half), (0.55, -half * 1.25), (1.0, 0.0), points=7),
        bezier((1.0, 0.0), (0.55, half * 1.25), (0.0, half), points=7),
    ])  # fmt: skip
    for ring in (0, 1):
        tint = color if ring else darker(color, 0.16)
        for petal in range(count):
            angle = 2 * math.pi * (petal + 0.5 * ring) / count
            turn = angle + edge[:, 1] * (1 - 0.3 * edge[:, 0])
            out = edge[:, 0] * length * (1.0 if ring else 1.12)
            x = center[0] + (inner[0] + out) * np.cos(turn)
            y = center[1] + (inner[1] + out) * np.sin(turn)
            canvas.polygon(np.stack([x, y], 1), tint, 0.7)


def _stem(canvas: Canvas) -> None:
    canvas.line(bezier((0, 0.1), (0.04, 0.5), (0, 0.95), points=8), _LEAF, 0.11, outlined=True)
    for side, y in ((-1, 0.84), (1, 0.78)):
        tip = (side * 0.6, y - 0.22)
        leaf = [
            bezier((0, y), (side * 0.16, y - 0.36), tip),
            bezier(tip, (side * 0.48, y + 0.14), (0, y)),
        ]
        canvas.polygon(np.concatenate(leaf), _LEAF)
        canvas.line([(side * 0.06, y - 0.03), (side * 0.42, y - 0.16)], darker(_LEAF, 0.3), 0.025)


def _seeds(canvas: Canvas, color: Color) -> None:
    for seed in range(4, 34):
        radius = 0.066 * math.sqrt(seed)
        x = radius * math.cos(seed * _GOLDEN_TURN)
        y = -0.2 + radius * math.sin(seed * _GOLDEN_TURN)
        canvas.line([(x, y), (x, y + 0.01)], color, 0.05)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        _stem(canvas)
    heart = color if taken in (Slot.BACK, Slot.SURFACE) else _HEART
    if taken is Slot.BACK:
        _petals(canvas, (0, -0.2), (0.36, 0.36), 0.24, COLORS["yellow"])
    else:
        _petals(canvas, (0, -0.2), (0.36, 0.36), 0.44, color)
    canvas.ellipse(0, -0.2, 0.44, 0.44, heart)
    if taken is not Slot.SURFACE:
        _seeds(canvas, darker(heart, 0.4))
    if with_face:
        canvas.ellipse(0, -0.18, 0.33, 0.31, heart, 0)
        eyes(canvas, *_ANCHORS.face)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, radius_y = anchors.surface
    inner = (max(0.36, radius_x * 0.9), max(0.36, radius_y * 0.9))
    length = min(0.66, 1.42 - max(inner))
    _petals(canvas, (x, y), inner, length, color, count=15)


THING = Thing(
    name="sunflower",
    synonyms=(),
    colors=("yellow", "orange"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BACK,
        phrases=("sunflower petals", "a ring of sunflower petals"),
        colors=("yellow",),
        behind=_behind,
    ),
)
