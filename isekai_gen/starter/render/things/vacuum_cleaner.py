"""A vacuum cleaner; known by its hose."""

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_RUBBER = (66, 66, 76)
_STEEL = (190, 194, 204)
_HOSE = (146, 150, 158)
_ANCHORS = Anchors(
    top=(0.28, -0.22, 0.4),
    bottom=(0.25, 0.72, 0.52),
    surface=(0.28, 0.18, 0.48, 0.34),
    back=(0.84, 0.25),
    side=(-0.28, 0.86, 0.28),
    face=(0.24, 0.12, 0.17),
)


def _hose(
    canvas: Canvas,
    start: tuple[float, float],
    nozzle: tuple[float, float],
    height: float,
    color: Color,
) -> None:
    """A ribbed arch from `start` up and over, then a steel wand down to the floor nozzle."""
    start_x, start_y = start
    x, y = nozzle
    wand_y = y - 0.5
    path = bezier(start, (start_x, start_y - height), (x, wand_y - height), (x, wand_y), points=24)
    canvas.line([(x, wand_y), (x, y - 0.1)], _STEEL, 0.1, outlined=True)
    canvas.line(path, color, 0.22, outlined=True)
    normal = np.gradient(path, axis=0)[:, ::-1] * (-1, 1)
    normal *= 0.105 / (np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9)
    for i in range(1, len(path) - 1, 2):
        canvas.line([path[i] - normal[i], path[i] + normal[i]], darker(color, 0.45), 0.035)
    canvas.ellipse(start_x, start_y, 0.15, 0.15, _RUBBER)
    head = [(x - 0.12, y - 0.16), (x + 0.12, y - 0.16), (x + 0.34, y + 0.04), (x - 0.34, y + 0.04)]
    canvas.polygon(head, _RUBBER, ink=(24, 22, 30))
    canvas.rectangle(x - 0.35, y, x + 0.35, y + 0.09, _STEEL, 0.8, corner=0.03)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.TOP:
        handle = bezier((0.08, -0.15), (0.14, -0.5), (0.5, -0.5), (0.56, -0.15))
        canvas.line(handle, _RUBBER, 0.09)
    shell = [
        bezier((-0.3, 0.74), (-0.42, 0.1), (-0.12, -0.24), (0.3, -0.24)),
        bezier((0.3, -0.24), (0.86, -0.22), (0.92, 0.3), (0.86, 0.74)),
    ]
    canvas.polygon(np.concatenate(shell), color)
    if taken is not Slot.SURFACE:
        canvas.rectangle(-0.26, 0.5, 0.82, 0.58, lighter(color, 0.5), 0, 0.03)
    for row in range(3):
        canvas.line([(0.6, 0.02 + 0.1 * row), (0.76, 0.02 + 0.1 * row)], darker(color, 0.4), 0.035)
    highlight(canvas, 0.02, -0.02, 0.13, 0.06, color)
    if taken is not Slot.BOTTOM:
        for x, size in ((0.56, 0.24), (-0.12, 0.15)):
            canvas.ellipse(x, 0.9 - size, size, size, _RUBBER, ink=(24, 22, 30))
            canvas.ellipse(x, 0.9 - size, size * 0.42, size * 0.42, _STEEL, 0)
    if taken is not Slot.SIDE:
        _hose(canvas, (-0.14, 0.28), (-0.68, 0.84), 0.95, _HOSE)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    _, right, y = anchors.side
    start_x = min(right - 0.04, 0.68)
    nozzle_x = min(max(right + 0.45, 0.85), 1.15)
    nozzle_y = min(max(anchors.bottom[1], y + 0.55), 1.0)
    _hose(canvas, (start_x, y), (nozzle_x, nozzle_y), 0.9, color)


THING = Thing(
    name="vacuum cleaner",
    synonyms=("vacuum",),
    colors=("red", "blue", "teal"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SIDE,
        phrases=("a vacuum cleaner hose", "a vacuum hose"),
        colors=("gray",),
        front=_front,
    ),
)
