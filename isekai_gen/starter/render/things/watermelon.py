"""A watermelon; known by its dark stripes on green."""

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, arc, bezier
from isekai_gen.starter.render.palette import INK, Color, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_RIND = (222, 240, 190)
_FLESH = (236, 74, 82)
_VINE = (96, 120, 52)

_ANCHORS = Anchors(
    top=(0, -0.72, 0.4),
    bottom=(0, 0.76, 0.46),
    surface=(-0.15, 0.05, 0.62, 0.6),
    back=(0.8, 0.1),
    side=(-0.82, 0.82, 0.1),
    face=(-0.34, 0.06, 0.18),
)


def _stripes(
    canvas: Canvas, area: tuple[float, float, float, float], count: int, color: Color
) -> None:
    """Zigzag bands from pole to pole; those beyond the middle ones bend around the body."""
    x, y, radius_x, radius_y = area
    share = np.linspace(-1, 1, 13)
    zigzag = np.where(np.arange(13) % 2, 1.0, 0.45)
    for i in range(count):
        place = 2 * (i + 0.5) / count - 1
        middle = x + radius_x * place * np.sqrt(1.15 - share**2)
        half = radius_x / count * 0.62 * zigzag
        left = np.stack([middle - half, y + radius_y * share], 1)
        right = np.stack([middle + half, y + radius_y * (share + 0.04)], 1)
        canvas.polygon(np.concatenate([left, right[::-1]]), color, 0)


def _vine(canvas: Canvas, x: float, y: float) -> None:
    stem = bezier((x, y + 0.06), (x - 0.02, y - 0.2), (x + 0.14, y - 0.26), points=8)
    canvas.line(stem, _VINE, 0.1, outlined=True)
    curl = bezier((x, y), (x - 0.4, y - 0.1), (x - 0.36, y - 0.36), (x - 0.18, y - 0.2), points=12)
    canvas.line(curl, _VINE, 0.04)


def _cut(canvas: Canvas) -> None:
    """The notch a slice left: two red faces that meet in a line, seen inside the rind."""
    start, middle, end = -0.95, -0.2, 0.55
    apex = (0.02, 0.06)
    for first, last, flesh in ((start, middle, darker(_FLESH, 0.16)), (middle, end, _FLESH)):
        rim = arc(0, 0.03, 0.88, 0.78, first, last, points=10)
        inner = arc(0, 0.03, 0.76, 0.66, first, last, points=10)
        canvas.polygon([*rim, apex], _RIND, 0.7)
        canvas.polygon([*inner, apex], flesh, 0)
    for x, y in ((0.34, -0.3), (0.5, -0.22), (0.42, 0.08), (0.6, 0.06), (0.5, 0.24), (0.3, 0.14)):
        canvas.ellipse(x, y, 0.036, 0.055, INK, 0, angle=0.6)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.TOP:
        _vine(canvas, -0.02, -0.74)
    canvas.ellipse(0, 0.03, 0.88, 0.78, color)
    if taken is not Slot.SURFACE:
        _stripes(canvas, (0, 0.03, 0.76, 0.72), 5, darker(color, 0.45))
    _cut(canvas)
    if with_face:
        eyes(canvas, *_ANCHORS.face)
    highlight(canvas, -0.46, -0.4, 0.13, 0.06, color)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, _ = anchors.top
    _vine(canvas, x, y)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, radius_y = anchors.surface
    with canvas.inside_body():
        canvas.rectangle(-1.5, -1.5, 1.5, 1.5, lighter(color, 0.22), 0)
        area = (x, y, max(0.5, radius_x) * 1.5, max(0.5, radius_y) * 1.7)
        _stripes(canvas, area, 7, (30, 92, 52))


THING = Thing(
    name="watermelon",
    synonyms=(),
    colors=("green",),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SURFACE,
        phrases=("watermelon stripes", "watermelon skin"),
        colors=("green",),
        behind=_behind,
        front=_front,
    ),
)
