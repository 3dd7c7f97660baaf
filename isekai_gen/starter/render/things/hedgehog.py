"""A hedgehog; known by its quills."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, blend
from isekai_gen.starter.render.parts import dot_eye
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_SKIN = (236, 198, 154)


def _quills(
    canvas: Canvas,
    area: tuple[float, float, float, float],
    color: Color,
    count: int,
    length: float,
    turn: tuple[float, float],
) -> None:
    x, y, radius_x, radius_y = area
    step = (turn[1] - turn[0]) / count
    for i in range(count):
        angle = turn[0] + step * i
        base = [(x + radius_x * math.cos(angle + d), y + radius_y * math.sin(angle + d))
                for d in (-step * 0.7, step * 0.7)]  # fmt: skip
        tip = (x + (radius_x + length) * math.cos(angle), y + (radius_y + length) * math.sin(angle))
        canvas.polygon([base[0], tip, base[1]], blend(color, (255, 236, 200), 0.16 * (i % 2)), 0.7)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    for x in (-0.35, 0.0, 0.4):
        canvas.ellipse(x, 0.62, 0.12, 0.08, (206, 160, 118))
    if taken is not Slot.SURFACE:
        _quills(canvas, (0.12, 0.12, 0.66, 0.46), color, 15, 0.24, (-math.pi * 1.02, 0.25))
    canvas.ellipse(0.12, 0.14, 0.72, 0.5, color)
    if taken is not Slot.SURFACE:
        _quills(canvas, (0.12, 0.14, 0.5, 0.34), color, 12, 0.15, (-math.pi * 0.95, 0.1))
        _quills(canvas, (0.14, 0.16, 0.26, 0.16), color, 8, 0.15, (-math.pi * 0.95, 0.1))
    head = [
        bezier((-0.35, -0.22), (-0.7, -0.15), (-1.0, 0.3)),
        bezier((-1.0, 0.36), (-0.7, 0.62), (-0.2, 0.58)),
        bezier((-0.2, 0.58), (-0.12, 0.2), (-0.35, -0.22)),
    ]
    canvas.polygon(np.concatenate(head), _SKIN)
    canvas.ellipse(-1.0, 0.32, 0.075, 0.07, (40, 32, 40))
    canvas.ellipse(-0.36, -0.1, 0.1, 0.12, _SKIN)
    dot_eye(canvas, -0.62, 0.14)
    canvas.line(bezier((-0.9, 0.44), (-0.8, 0.52), (-0.68, 0.46), points=8), (60, 36, 40), 0.03)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, radius_y = anchors.surface
    area = (x, y, radius_x * 0.95, radius_y * 0.95)
    _quills(canvas, area, color, 18, 0.3, (-math.pi * 1.12, 0.4))


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, radius_y = anchors.surface
    for share in (0.62, 0.3):
        area = (x, y, radius_x * share, radius_y * share)
        _quills(canvas, area, color, 9, 0.15, (-math.pi * 0.95, -math.pi * 0.05))


THING = Thing(
    name="hedgehog",
    synonyms=(),
    colors=("brown", "gray"),
    alive=True,
    anchors=Anchors(
        top=(0.1, -0.42, 0.45),
        bottom=(0.0, 0.6, 0.6),
        surface=(0.15, 0.08, 0.72, 0.52),
        back=(0.8, 0.25),
        side=(-0.85, 0.85, 0.2),
        face=(-0.6, 0.22, 0.14),
    ),
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SURFACE,
        phrases=("hedgehog quills", "hedgehog spikes"),
        colors=("brown", "gray"),
        behind=_behind,
        front=_front,
    ),
)
