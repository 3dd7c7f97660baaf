"""An alarm clock; known by its dial."""

import math
from contextlib import nullcontext

from isekai_gen.starter.render.canvas import Canvas, arc
from isekai_gen.starter.render.palette import INK, Color, darker
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_PAPER = (255, 252, 240)
_BRASS = (236, 190, 84)
_ANCHORS = Anchors(
    top=(0, -0.56, 0.4),
    bottom=(0, 0.7, 0.46),
    surface=(0, 0.08, 0.6, 0.6),
    back=(0.66, 0.15),
    side=(-0.66, 0.66, 0.12),
    face=(0, 0.02, 0.17),
)


def _point(x: float, y: float, radius: float, turn: float) -> tuple[float, float]:
    """The point at `turn` (0 = twelve o'clock, 1 = once around)."""
    angle = 2 * math.pi * turn
    return x + radius * math.sin(angle), y - radius * math.cos(angle)


def _dial(canvas: Canvas, x: float, y: float, radius: float) -> None:
    canvas.ellipse(x, y, radius, radius, _PAPER)
    for hour in range(12):
        main = hour % 3 == 0
        start = _point(x, y, radius * (0.7 if main else 0.78), hour / 12)
        path = [start, _point(x, y, radius * 0.86, hour / 12)]
        canvas.line(path, INK, radius * (0.11 if main else 0.07))
    canvas.line([(x, y), _point(x, y, radius * 0.45, 10 / 12)], INK, radius * 0.13)
    canvas.line([(x, y), _point(x, y, radius * 0.62, 2 / 12)], INK, radius * 0.1)
    canvas.line([(x, y), _point(x, y, radius * 0.6, 6.2 / 12)], (214, 50, 48), radius * 0.05)
    canvas.ellipse(x, y, radius * 0.1, radius * 0.1, (214, 50, 48), 0)


def _bells(canvas: Canvas) -> None:
    canvas.line([(0, -0.5), (0, -0.76)], (120, 124, 134), 0.05, outlined=True)
    canvas.rectangle(-0.13, -0.86, 0.13, -0.74, (120, 124, 134), corner=0.05)
    for side in (-1, 1):
        canvas.line([(side * 0.3, -0.4), (side * 0.44, -0.66)], (120, 124, 134), 0.07)
        bell = arc(side * 0.44, -0.6, 0.28, 0.3, math.pi, 2 * math.pi, angle=side * 0.55)
        canvas.polygon(bell, _BRASS)
        highlight(canvas, side * 0.5 - 0.06, -0.76, 0.07, 0.035, _BRASS)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        for side in (-1, 1):
            canvas.line([(side * 0.35, 0.55), (side * 0.52, 0.88)], _BRASS, 0.12, outlined=True)
    if taken is not Slot.TOP:
        _bells(canvas)
    canvas.ellipse(0, 0.1, 0.7, 0.7, color)
    if taken is not Slot.SURFACE:
        canvas.ellipse(0, 0.1, 0.52, 0.52, darker(color, 0.2), 0)
        _dial(canvas, 0, 0.1, 0.47)
    highlight(canvas, -0.42, -0.37, 0.1, 0.045, color)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, radius_y = anchors.surface
    face_x, face_y, _ = anchors.face
    radius = min(0.52, max(0.36, 0.95 * min(radius_x, radius_y)))
    face_on_dial = math.hypot(face_x - x, face_y - y) < radius
    # A face in the dial's place stays visible: it is not part of the body's flat area.
    with canvas.inside_body() if face_on_dial else nullcontext():
        canvas.ellipse(x, y, radius * 1.12, radius * 1.12, color)
        _dial(canvas, x, y, radius)


THING = Thing(
    name="clock",
    synonyms=(),
    colors=("red", "teal", "blue"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SURFACE,
        phrases=("a clock face", "a clock dial"),
        colors=("yellow", "red", "black"),
        front=_front,
    ),
)
