"""A windmill; known by its four lattice sails."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, Points, arc
from isekai_gen.starter.render.palette import Color, darker
from isekai_gen.starter.render.parts import eyes
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_WOOD = (130, 86, 56)
_ANCHORS = Anchors(
    top=(0, -0.48, 0.32),
    bottom=(0, 0.9, 0.5),
    surface=(0, 0.3, 0.36, 0.46),
    back=(0.4, 0.3),
    side=(-0.42, 0.42, 0.35),
    face=(0, 0.22, 0.14),
)


def _sail(
    canvas: Canvas, hub: tuple[float, float], turn: float, size: tuple[float, float], color: Color
) -> None:
    """One sail of (length, width) `size` that points from the hub toward `turn`."""
    length, width = size
    cos, sin = math.cos(turn), math.sin(turn)

    def placed(points: Points) -> np.ndarray:
        return np.asarray(np.asarray(points) @ np.array([[cos, sin], [-sin, cos]]) + hub)

    start, middle = length * 0.24, width / 2
    cloth = [(start, -middle), (length, -middle), (length, middle), (start, middle)]
    canvas.line(placed([(0, 0), (length, 0)]), _WOOD, 0.07, outlined=True)
    canvas.polygon(placed(cloth), color)
    for share in (0.2, 0.4, 0.6, 0.8):
        along = start + (length - start) * share
        canvas.line(placed([(along, -middle), (along, middle)]), _WOOD, 0.03)
    canvas.line(placed([(0, 0), (length, 0)]), _WOOD, 0.055)


def _sails(
    canvas: Canvas, hub: tuple[float, float], size: tuple[float, float], color: Color
) -> None:
    lean = canvas.rng.uniform(-0.12, 0.12)
    for quarter in range(4):
        _sail(canvas, hub, math.pi * (0.25 + 0.5 * quarter) + lean, size, color)
    canvas.ellipse(*hub, 0.1, 0.1, _WOOD)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.TOP:
        cap = arc(0, -0.44, 0.38, 0.4, math.pi, 2 * math.pi)
        canvas.polygon(cap, (168, 84, 62))
    canvas.polygon([(-0.32, -0.46), (0.32, -0.46), (0.52, 0.92), (-0.52, 0.92)], color)
    canvas.rectangle(-0.38, -0.5, 0.38, -0.4, _WOOD, corner=0.03)
    if taken is not Slot.SURFACE:
        for x, y in ((-0.28, 0.56), (0.3, 0.66), (0.26, 0.02), (-0.3, 0.82), (-0.22, 0.0)):
            canvas.line([(x - 0.06, y), (x + 0.06, y)], darker(color, 0.25), 0.035)
    canvas.rectangle(-0.15, 0.54, 0.15, 0.92, _WOOD, corner=0.1)
    canvas.ellipse(0.08, 0.74, 0.028, 0.03, (250, 210, 80), 0)
    # Without its sails nobody would know it: they only make room for another thing's part.
    hub_y = -0.16 if taken is Slot.TOP else -0.36
    length = 0.68 if taken in (Slot.TOP, Slot.BACK) else 0.84
    _sails(canvas, (0, hub_y), (length, 0.26), (250, 244, 226))
    if with_face:
        eyes(canvas, *_ANCHORS.face)
    elif taken is not Slot.SURFACE:
        canvas.rectangle(-0.1, 0.12, 0.1, 0.36, (168, 220, 246), 0.9, corner=0.04)
        canvas.line([(0, 0.12), (0, 0.36)], _WOOD, 0.03)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    top_x, top_y, _ = anchors.top
    x, y, radius_x, _ = anchors.surface
    hub = (0.5 * (top_x + x), 0.6 * top_y + 0.4 * y)
    length = min(1.35, max(1.15, radius_x + 0.75))
    _sails(canvas, hub, (length, 0.38), color)


THING = Thing(
    name="windmill",
    synonyms=(),
    colors=("white", "brown", "gray"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BACK,
        phrases=("windmill blades", "windmill sails"),
        colors=("white",),
        behind=_behind,
    ),
)
