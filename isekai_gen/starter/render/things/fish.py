"""A fish; known by its tail and fins."""

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import INK, WHITE, Color, darker, lighter
from isekai_gen.starter.render.parts import highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_NATURAL = ("orange", "teal", "blue")
_SCALES = ((-0.14, -0.16), (0.06, -0.22), (0.04, 0.02), (-0.16, 0.06), (0.24, -0.1), (0.22, 0.12),
           (0.02, 0.26), (0.38, 0.04))  # fmt: skip


def _tail(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    """A forked fan that opens to the right from (x, y)."""
    lobes = [
        bezier((x, y - size * 0.16), (x + size * 0.5, y - size * 0.3),
               (x + size * 0.7, y - size * 0.95), (x + size * 1.1, y - size)),
        bezier((x + size * 1.1, y - size), (x + size * 0.7, y), (x + size * 1.1, y + size)),
        bezier((x + size * 1.1, y + size), (x + size * 0.7, y + size * 0.95),
               (x + size * 0.5, y + size * 0.3), (x, y + size * 0.16)),
    ]  # fmt: skip
    canvas.polygon(np.concatenate(lobes), color)
    for share in (-0.62, -0.22, 0.22, 0.62):
        ray = [(x + size * 0.36, y + size * 0.36 * share), (x + size * 0.84, y + size * share)]
        canvas.line(ray, darker(color, 0.35), 0.035)


def _back_fin(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    """A fin that stands on (x, y) and leans to the right."""
    edge = bezier((x - size, y + 0.1), (x - size * 0.5, y - size * 1.5),
                  (x + size * 0.9, y - size * 0.9), (x + size, y + 0.1))  # fmt: skip
    canvas.polygon(edge, color)
    for share in (-0.3, 0.1, 0.5):
        foot = x + size * share
        canvas.line([(foot, y), (foot + size * 0.12, y - size * 0.62)], darker(color, 0.35), 0.035)


def _side_fin(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    canvas.polygon(
        np.concatenate([
            bezier((x, y), (x + size * 0.8, y - size * 0.5), (x + size * 1.2, y + size * 0.3)),
            bezier((x + size * 1.2, y + size * 0.3), (x + size * 0.7, y + size * 0.9), (x, y)),
        ]),
        color,
    )  # fmt: skip
    canvas.line([(x + size * 0.4, y + size * 0.05), (x + size * 0.95, y + size * 0.2)],
                darker(color, 0.35), 0.03)  # fmt: skip


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    fin = darker(color, 0.2)
    if taken is not Slot.BACK:
        _tail(canvas, 0.42, 0.0, 0.52, fin)
    if taken not in (Slot.TOP, Slot.BACK):
        _back_fin(canvas, -0.02, -0.42, 0.36, fin)
    if taken is not Slot.BOTTOM:
        canvas.polygon([(-0.2, 0.4), (0.25, 0.38), (0.28, 0.72), (0.05, 0.6)], fin)
    canvas.ellipse(-0.18, 0, 0.78, 0.52, color)
    if taken is not Slot.SURFACE:
        for x, y in _SCALES:
            scale = bezier((x, y - 0.1), (x + 0.13, y), (x, y + 0.1), points=6)
            canvas.line(scale, darker(color, 0.3), 0.035)
        _side_fin(canvas, -0.22, 0.2, 0.24, lighter(color, 0.3))
    canvas.line(bezier((-0.4, -0.36), (-0.24, 0), (-0.4, 0.38), points=8), darker(color, 0.4), 0.04)
    highlight(canvas, -0.36, -0.36, 0.14, 0.05, color)
    canvas.ellipse(-0.6, -0.1, 0.16, 0.17, WHITE, 0.8, ink=INK)
    canvas.ellipse(-0.64, -0.09, 0.085, 0.1, INK, 0)
    canvas.ellipse(-0.67, -0.14, 0.03, 0.035, WHITE, 0)
    canvas.line(bezier((-0.9, 0.14), (-0.8, 0.26), (-0.64, 0.2), points=8), (60, 30, 40), 0.04)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y = anchors.back
    _tail(canvas, min(x, 0.8) - 0.1, y, 0.74, color)
    top_x, top_y, half_width = anchors.top
    _back_fin(canvas, top_x, max(top_y, -0.95) + 0.06, min(max(half_width, 0.42), 0.55), color)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, radius_y = anchors.surface
    _, face_y, face_size = anchors.face
    below_eyes = face_y + face_size * 1.3
    _side_fin(canvas, x + radius_x * 0.4, max(y + radius_y * 0.4, below_eyes), 0.36, color)


THING = Thing(
    name="fish",
    synonyms=(),
    colors=_NATURAL,
    alive=True,
    anchors=Anchors(
        top=(-0.15, -0.5, 0.42),
        bottom=(-0.15, 0.5, 0.42),
        surface=(-0.05, 0, 0.6, 0.42),
        back=(0.56, 0),
        side=(-0.9, 0.52, 0.1),
        face=(-0.6, -0.1, 0.15),
    ),
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BACK,
        phrases=("fish fins", "a fish tail and fins"),
        colors=_NATURAL,
        behind=_behind,
        front=_front,
    ),
)
