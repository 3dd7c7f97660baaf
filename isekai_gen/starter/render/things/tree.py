"""A tree; known by its leafy crown."""

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_BARK = (142, 94, 60)
_ANCHORS = Anchors(
    top=(0, -0.22, 0.34),
    bottom=(0, 0.88, 0.4),
    surface=(0, -0.42, 0.54, 0.4),
    back=(0.26, 0.5),
    side=(-0.26, 0.26, 0.5),
    face=(0, 0.36, 0.13),
)
_LOBES = (
    (-0.62, 0.08, 0.34), (0.62, 0.08, 0.34), (-0.66, -0.32, 0.34), (0.66, -0.32, 0.34),
    (-0.3, -0.64, 0.4), (0.32, -0.64, 0.4), (0.0, 0.12, 0.36), (0.0, -0.3, 0.56),
)  # fmt: skip
_LEAVES = (
    (-0.7, -0.3), (-0.38, -0.7), (0.1, -0.72), (0.5, -0.52), (-0.3, -0.3), (0.2, -0.3),
    (0.74, -0.14), (-0.55, 0.1), (0.0, 0.1), (0.46, 0.16),
)  # fmt: skip
_APPLES = ((-0.6, -0.12), (0.34, -0.06), (0.02, -0.5), (0.72, -0.42))


def _crown(canvas: Canvas, x: float, y: float, half: float, height: float, color: Color) -> None:
    """A cloud of leaves around (x, y), with apples."""
    for grow in (0.0, -0.02):
        for lobe_x, lobe_y, radius in _LOBES:
            canvas.ellipse(
                x + half * lobe_x, y + height * lobe_y, half * radius + grow,
                height * radius + grow, color, 0.0 if grow else 1.0,
            )  # fmt: skip
    for index, (leaf_x, leaf_y) in enumerate(_LEAVES):
        middle_x, middle_y = x + half * leaf_x, y + height * leaf_y
        tint = lighter(color, 0.35) if index % 2 else darker(color, 0.3)
        canvas.ellipse(middle_x, middle_y, 0.075, 0.038, tint, 0, angle=-0.6 + index)
    for apple_x, apple_y in _APPLES:
        middle_x, middle_y = x + half * apple_x, y + height * apple_y
        canvas.line([(middle_x, middle_y - 0.1), (middle_x + 0.03, middle_y)], _BARK, 0.03)
        canvas.ellipse(middle_x, middle_y, 0.075, 0.075, (220, 50, 46), 0.7)


def _trunk(canvas: Canvas, color: Color, top: float) -> None:
    left = np.concatenate([
        bezier((-0.24, top), (-0.2, 0.5), (-0.5, 0.92)),
        bezier((-0.5, 0.92), (-0.25, 0.86), (-0.14, 0.95), points=8),
    ])  # fmt: skip
    canvas.polygon(np.concatenate([left, left[::-1] * (-1, 1)]), color)
    for x, start, end in ((-0.13, 0.62, 0.8), (0.14, 0.66, 0.82), (0.03, 0.72, 0.84)):
        canvas.line([(x, start), (x * 1.2, end)], darker(color, 0.35), 0.03)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is Slot.TOP:
        for side, y in ((-1, 0.12), (1, -0.02)):
            branch = bezier((0, y + 0.2), (side * 0.3, y + 0.1), (side * 0.52, y - 0.2), points=8)
            canvas.line(branch, color, 0.12, outlined=True)
            canvas.ellipse(side * 0.6, y - 0.28, 0.13, 0.07, (96, 176, 80), 0.8, side * -0.7)
        _trunk(canvas, color, -0.26)
    else:
        _trunk(canvas, _BARK, -0.2)
        _crown(canvas, 0, -0.36, 0.92, 0.6, color)
    if with_face:
        eyes(canvas, *_ANCHORS.face)
    else:
        canvas.ellipse(0, 0.44, 0.08, 0.11, darker(_BARK, 0.6), 0.6)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = anchors.top
    width = min(0.95, max(0.7, half * 1.35 + 0.22))
    _crown(canvas, x, y - 0.24, width, 0.55, color)


THING = Thing(
    name="tree",
    synonyms=(),
    colors=("green", "orange"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("a leafy tree crown", "green tree leaves on top"),
        colors=("green",),
        front=_front,
    ),
)
