"""A microphone; known by its round mesh head."""

import math

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_MESH = (186, 190, 200)
_COLLAR = (84, 86, 98)
_ANCHORS = Anchors(
    top=(0, -0.6, 0.44),
    bottom=(0, 0.7, 0.32),
    surface=(0, 0.24, 0.32, 0.46),
    back=(0.36, 0.1),
    side=(-0.36, 0.36, 0.15),
    face=(0, 0.06, 0.18),
)


def _head(
    canvas: Canvas, x: float, y: float, radius: float, color: Color, height: float = 1.0
) -> None:
    """A mesh ball around (x, y), `height` times as high as wide, with a metal belt."""
    canvas.ellipse(x, y, radius, radius * height, color, 1.2)
    wire = darker(color, 0.4) if sum(color) > 300 else lighter(color, 0.4)
    for step in (-0.66, -0.33, 0.0, 0.33, 0.66):
        half = math.sqrt(0.92 - step * step) * radius
        offset = step * radius
        for lean in (-1, 1):
            ends = [((offset - half * lean) * 0.71, (offset * lean + half) * 0.71),
                    ((offset + half * lean) * 0.71, (offset * lean - half) * 0.71)]  # fmt: skip
            canvas.line([(x + u, y + v * height) for u, v in ends], wire, 0.028)
    belt = y + radius * height * 0.06
    canvas.rectangle(x - radius * 1.04, belt, x + radius * 1.04, belt + 0.12,
                     lighter(_COLLAR, 0.45), 0.8, 0.05)  # fmt: skip
    canvas.ellipse(x - radius * 0.4, y - radius * height * 0.55, radius * 0.2, radius * 0.1,
                   lighter(color, 0.75), 0, angle=-0.5)  # fmt: skip


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    end = 0.72 if taken is Slot.BOTTOM else 0.9
    if taken is not Slot.BOTTOM:
        cable = bezier((0, 0.85), (0.05, 1.2), (0.5, 1.1), (0.62, 0.72))
        canvas.line(cable, _COLLAR, 0.07)
    canvas.polygon([(-0.42, -0.3), (0.42, -0.3), (0.28, end), (-0.28, end)], color)
    if not with_face:
        canvas.rectangle(-0.1, 0.04, 0.1, 0.32, _COLLAR, 0.7, corner=0.05)
        canvas.rectangle(-0.065, 0.07, 0.065, 0.18, (230, 70, 64), 0, corner=0.03)
    canvas.line([(-0.29, -0.06), (-0.2, end - 0.1)], lighter(color, 0.5), 0.05)
    if taken is Slot.TOP:
        _head(canvas, 0, -0.38, 0.48, _MESH, 0.5)
    else:
        _head(canvas, 0, -0.57, 0.48, color if taken is Slot.SURFACE else _MESH)
    canvas.rectangle(-0.46, -0.26, 0.46, -0.11, _COLLAR, corner=0.05)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half_width = anchors.top
    radius = min(max(half_width, 0.5), 0.6)
    y = max(y, -0.85)
    _head(canvas, x, y - radius * 0.62, radius, color)
    canvas.rectangle(x - radius * 0.8, y - 0.02 + radius * 0.1, x + radius * 0.8,
                     y + 0.14 + radius * 0.1, _COLLAR, corner=0.06)  # fmt: skip


THING = Thing(
    name="microphone",
    synonyms=(),
    colors=("black", "gray", "blue"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("a microphone head", "a microphone on top"),
        colors=("gray", "black"),
        front=_front,
    ),
)
