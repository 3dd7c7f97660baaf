"""A dinosaur; known by the plates along its back."""

import math

import numpy as np
import numpy.typing as npt

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import COLORS, Color, darker, lighter
from isekai_gen.starter.render.parts import dot_eye, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_BONE = (250, 240, 216)


def _plate(canvas: Canvas, x: float, y: float, turn: float, size: float, color: Color) -> None:
    """A plate that stands at (x, y) and points along `turn`."""
    kite = ((-0.25, -0.34), (0.38, -0.46), (1.0, 0.0), (0.38, 0.46), (-0.25, 0.34))
    cos, sin = math.cos(turn), math.sin(turn)
    for share, shade, outline in ((1.0, color, 1.0), (0.55, lighter(color, 0.35), 0.0)):
        reach = size * share
        corners = [
            (x + reach * (out * cos - along * sin), y + reach * (out * sin + along * cos))
            for out, along in kite
        ]
        canvas.polygon(corners, shade, outline)


def _plates(
    canvas: Canvas, ridge: npt.NDArray[np.float64], count: int, size: float, color: Color
) -> None:
    """A row along `ridge`, largest in its middle, each plate at a right angle to it."""
    for i in range(count):
        share = (i + 0.5) / count
        at = min(round(share * (len(ridge) - 1)), len(ridge) - 2)
        step_x, step_y = ridge[at + 1] - ridge[at]
        turn = math.atan2(step_y, step_x) - math.pi / 2
        height = size * (0.62 + 0.38 * math.sin(math.pi * share))
        shade = darker(color, 0.14) if i % 2 else color
        _plate(canvas, ridge[at][0], ridge[at][1], turn, height, shade)


def _tail_spikes(canvas: Canvas) -> None:
    for x, y in ((0.82, -0.02), (0.94, -0.1)):
        canvas.polygon(
            [(x - 0.12, y + 0.12), (x + 0.02, y - 0.24), (x + 0.06, y + 0.1)], _BONE, 0.8
        )


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BACK:
        ridge = bezier((-0.46, -0.26), (-0.2, -0.6), (0.4, -0.58), (0.86, 0.12), points=40)
        plates = COLORS["purple"] if color[0] > 1.3 * color[1] else COLORS["orange"]
        _plates(canvas, ridge, 6, 0.44, plates)
    _tail_spikes(canvas)
    if taken is not Slot.BOTTOM:
        for x, shade in (
            (-0.1, darker(color, 0.2)),
            (0.4, darker(color, 0.2)),
            (-0.28, color),
            (0.24, color),
        ):
            canvas.rectangle(x - 0.12, 0.4, x + 0.12, 0.9, shade, corner=0.08)
    body = [
        bezier((-0.62, -0.1), (-0.2, -0.52), (0.34, -0.52), (0.6, 0.04)),
        bezier((0.6, 0.04), (0.76, 0.16), (0.86, 0.06), (1.0, -0.12)),
        bezier((1.0, -0.12), (1.02, 0.4), (0.7, 0.5), (0.46, 0.52)),
        bezier((0.46, 0.52), (0.1, 0.7), (-0.42, 0.66), (-0.62, 0.1)),
    ]
    canvas.polygon(np.concatenate(body), color)
    if taken is not Slot.SURFACE:
        for x, y, size in (
            (0.0, -0.12, 0.08),
            (0.24, -0.04, 0.1),
            (0.12, 0.18, 0.07),
            (0.44, 0.2, 0.07),
        ):
            canvas.ellipse(x, y, size, size * 0.85, darker(color, 0.24), 0)
    _head(canvas, color)
    highlight(canvas, -0.24, -0.16, 0.1, 0.04, color)


def _head(canvas: Canvas, color: Color) -> None:
    canvas.ellipse(-0.66, -0.2, 0.34, 0.28, color)
    canvas.ellipse(-0.46, 0.06, 0.2, 0.3, color, 0)
    dot_eye(canvas, -0.7, -0.26, 0.085)
    canvas.line(
        bezier((-0.92, -0.12), (-0.76, 0.02), (-0.56, -0.08), points=9), (40, 50, 40), 0.035
    )
    canvas.ellipse(-0.91, -0.26, 0.025, 0.03, darker(color, 0.6), 0)
    canvas.ellipse(-0.52, -0.16, 0.06, 0.045, (244, 140, 130), 0)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = anchors.top
    back_x, back_y = anchors.back
    corner = (max(back_x, x + half), y - 0.06)
    ridge = bezier(
        (x - half * 0.8, y + 0.08),
        (x + half * 0.4, y - 0.1),
        corner,
        (back_x + 0.05, back_y + 0.32),
        points=40,
    )
    _plates(canvas, ridge, 6, 0.66, color)


THING = Thing(
    name="dinosaur",
    synonyms=(),
    colors=("green", "teal", "purple"),
    alive=True,
    anchors=Anchors(
        top=(-0.64, -0.48, 0.27),
        bottom=(0.05, 0.58, 0.46),
        surface=(0.08, 0.12, 0.46, 0.36),
        back=(0.66, 0.1),
        side=(-0.62, 0.74, 0.44),
        face=(-0.7, -0.2, 0.13),
    ),
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BACK,
        phrases=("dinosaur plates", "dinosaur back plates"),
        colors=("orange", "red"),
        behind=_behind,
    ),
)
