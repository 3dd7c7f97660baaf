"""An octopus; known by its tentacles."""

import numpy as np
import numpy.typing as npt

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_ANCHORS = Anchors(
    top=(0, -0.9, 0.42),
    bottom=(0, 0.3, 0.5),
    surface=(0, -0.32, 0.52, 0.5),
    back=(0.55, -0.15),
    side=(-0.58, 0.58, -0.1),
    face=(0, -0.08, 0.21),
)
_NATURAL = ("purple", "orange", "pink")


def _suckers(canvas: Canvas, path: npt.NDArray[np.float64], color: Color) -> None:
    for i in range(5, len(path) - 1, 3):
        canvas.line(path[[i, i]], lighter(color, 0.65), 0.1 - 0.0036 * i)


def _tentacles(
    canvas: Canvas, x: float, y: float, half_width: float, length: float, color: Color
) -> None:
    """Six arms from (x, y) downward, the outer ones in the back, tips curled outward."""
    for share in (-1.0, 1.0, -0.58, 0.58, -0.2, 0.2):
        side = 1 if share > 0 else -1
        curl = canvas.rng.uniform(0.16, 0.28)
        start_x = x + share * half_width * 0.78
        foot_x = x + share * (half_width + 0.22)
        reach = length * (1.3 - 0.3 * abs(share))
        path = bezier(
            (start_x, y - 0.15),
            (start_x + side * 0.02, y + reach),
            (foot_x + side * curl, y + reach * 1.2),
            (foot_x + side * (curl + 0.05), y + reach * 0.55),
        )
        canvas.tube(path, 0.15, 0.05, color)
        _suckers(canvas, path, color)


def _raised_arms(canvas: Canvas, color: Color) -> None:
    """Two waving arms, so that it stays an octopus when its feet are another thing's."""
    for side in (-1, 1):
        path = bezier((side * 0.35, 0.12), (side * 0.95, 0.3), (side * 0.68, -0.32),
                      (side * 1.02, -0.36))  # fmt: skip
        canvas.tube(path, 0.14, 0.05, color)
        _suckers(canvas, path, color)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        _tentacles(canvas, *_ANCHORS.bottom, 0.6, color)
    else:
        _raised_arms(canvas, color)
    head = [
        bezier((-0.48, 0.2), (-0.62, -0.1), (-0.85, -0.9), (0, -0.92)),
        bezier((0, -0.92), (0.85, -0.9), (0.62, -0.1), (0.48, 0.2)),
        bezier((0.48, 0.2), (0.38, 0.48), (-0.38, 0.48), (-0.48, 0.2)),
    ]
    canvas.polygon(np.concatenate(head), color)
    if taken is not Slot.SURFACE:
        for x, y, size in ((0.34, -0.6, 0.075), (0.46, -0.42, 0.05), (0.17, -0.74, 0.05)):
            canvas.ellipse(x, y, size, size, darker(color, 0.2), 0)
    highlight(canvas, -0.3, -0.62, 0.15, 0.09, color)
    eyes(canvas, *_ANCHORS.face)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half_width = anchors.bottom
    y = min(y, 0.75)
    width = min(max(half_width, 0.42), 0.62)
    _tentacles(canvas, x, y - 0.06, width, min(0.66, 1.38 - y), color)


THING = Thing(
    name="octopus",
    synonyms=(),
    colors=_NATURAL,
    alive=True,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BOTTOM,
        phrases=("octopus tentacles", "octopus arms"),
        colors=_NATURAL,
        behind=_behind,
    ),
)
