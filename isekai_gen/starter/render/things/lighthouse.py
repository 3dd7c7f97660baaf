"""A lighthouse; known by its red and white stripes."""

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, arc, bezier
from isekai_gen.starter.render.palette import COLORS, Color, darker
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_WHITE = (250, 248, 242)
_ROCK = (124, 120, 128)
_IRON = (74, 70, 82)
_GLASS = (255, 224, 110)
_TOWER_TOP, _TOWER_BOTTOM = -0.36, 0.76

_ANCHORS = Anchors(
    top=(0, -0.66, 0.3),
    bottom=(0, 0.74, 0.46),
    surface=(0, 0.22, 0.34, 0.5),
    back=(0.36, 0.2),
    side=(-0.38, 0.38, 0.2),
    face=(0, 0.13, 0.14),
)


def _half_width(y: float) -> float:
    return 0.3 + 0.2 * (y - _TOWER_TOP) / (_TOWER_BOTTOM - _TOWER_TOP)


def _ring(x: float, top: float, bottom: float, half_top: float, half_bottom: float) -> np.ndarray:
    """A band around a tower seen from slightly above: both its edges hang down."""
    upper = bezier((x - half_top, top), (x, top + 0.12), (x + half_top, top), points=8)
    lower = bezier(
        (x + half_bottom, bottom), (x, bottom + 0.12), (x - half_bottom, bottom), points=8
    )
    return np.concatenate([upper, lower])


def _rock(canvas: Canvas) -> None:
    stone = [(-0.92, 0.95), (-0.8, 0.72), (-0.55, 0.6), (0.5, 0.58), (0.74, 0.68), (0.92, 0.95)]
    canvas.polygon(stone, _ROCK)
    canvas.line([(-0.72, 0.82), (-0.56, 0.74)], darker(_ROCK, 0.3), 0.04)
    canvas.line([(0.6, 0.84), (0.74, 0.8)], darker(_ROCK, 0.3), 0.04)


def _lantern(canvas: Canvas, with_dome: bool) -> None:
    canvas.rectangle(-0.22, -0.68, 0.22, -0.38, _GLASS, corner=0.02)
    canvas.ellipse(0, -0.53, 0.1, 0.1, (255, 250, 210), 0)
    for x in (-0.1, 0.1):
        canvas.line([(x, -0.66), (x, -0.42)], _IRON, 0.03)
    canvas.rectangle(-0.38, -0.44, 0.38, -0.33, _IRON, corner=0.04)
    if with_dome:
        canvas.polygon(arc(0, -0.66, 0.3, 0.28, np.pi, 2 * np.pi), COLORS["red"])
        canvas.ellipse(0, -0.96, 0.05, 0.06, _IRON, 0.6)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        _rock(canvas)
    tower = _ring(0, _TOWER_TOP, _TOWER_BOTTOM, _half_width(_TOWER_TOP), _half_width(_TOWER_BOTTOM))
    canvas.polygon(tower, color)
    if taken is not Slot.SURFACE:
        band = COLORS["red"] if sum(color) > 480 else _WHITE
        for top in (-0.26, 0.4):
            bottom = top + 0.2
            ring = _ring(0, top, bottom, _half_width(top), _half_width(bottom))
            canvas.polygon(ring, band, 0.5)
    canvas.polygon(arc(0, 0.82, 0.12, 0.24, np.pi, 2 * np.pi), (110, 72, 52), 0.8)
    _lantern(canvas, taken is not Slot.TOP)
    if with_face:
        eyes(canvas, *_ANCHORS.face)
    else:
        canvas.rectangle(-0.09, 0.08, 0.09, 0.3, (120, 190, 230), 0.8, corner=0.05)
    highlight(canvas, -0.22, 0.12, 0.06, 0.1, color)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, _, radius_y = anchors.surface
    height = min(0.27, max(0.17, radius_y * 0.5))
    with canvas.inside_body():
        canvas.rectangle(-1.5, -1.5, 1.5, 1.5, _WHITE, 0)
        for step in range(-4, 5):
            top = y + (2 * step - 0.5) * height - 0.06
            canvas.polygon(_ring(x, top, top + height, 1.6, 1.6), color, 0.5)


THING = Thing(
    name="lighthouse",
    synonyms=(),
    colors=("white", "red"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SURFACE,
        phrases=("lighthouse stripes", "red and white lighthouse stripes"),
        colors=("red",),
        front=_front,
    ),
)
