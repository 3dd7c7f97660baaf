"""An airplane; known by its wings with propellers."""

import math

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, arc, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_GLASS = (150, 214, 246)
_STEEL = (92, 96, 110)
_BLADE = (250, 244, 226)

_ANCHORS = Anchors(
    top=(-0.2, -0.38, 0.42),
    bottom=(-0.1, 0.42, 0.42),
    surface=(-0.15, 0.04, 0.6, 0.32),
    back=(0.74, 0.0),
    side=(-0.78, 0.74, 0.06),
    face=(-0.54, -0.04, 0.13),
)


def _propeller(canvas: Canvas, x: float, y: float, size: float) -> None:
    for blade in range(3):
        turn = blade * 2 * math.pi / 3 - math.pi / 2
        blade_x, blade_y = x + size * 0.55 * math.cos(turn), y + size * 0.55 * math.sin(turn)
        canvas.ellipse(blade_x, blade_y, size * 0.5, size * 0.2, _BLADE, 0.8, turn, _STEEL)
    canvas.ellipse(x, y, size * 0.24, size * 0.24, (214, 50, 48), 0.8)


def _wing_with_propeller(
    canvas: Canvas, root: float, y: float, side: int, length: float, color: Color
) -> None:
    """A wing seen from the front of the plane; it starts at x = `root` and rises to its tip."""
    tip = root + side * length
    wing = [
        bezier((root, y - 0.2), (root + side * length * 0.5, y - 0.3), (tip, y - 0.36), points=6),
        arc(tip, y - 0.23, 0.1 * side, 0.13, -math.pi / 2, math.pi / 2, points=8),
        bezier((tip, y - 0.1), (root + side * length * 0.5, y + 0.12), (root, y + 0.26), points=6),
    ]
    canvas.polygon(np.concatenate(wing), color)
    end = root + side * length * 0.84
    canvas.line([(end, y - 0.3), (end, y - 0.07)], darker(color, 0.4), 0.07)
    engine = root + side * length * 0.48
    canvas.ellipse(engine, y - 0.02, 0.2, 0.2, lighter(color, 0.35))
    _propeller(canvas, engine, y - 0.02, 0.42)


def _tail(canvas: Canvas, color: Color) -> None:
    fin = bezier((0.36, -0.1), (0.66, -0.2), (0.68, -0.74), (0.96, -0.72), points=12)
    canvas.polygon([*fin, (0.98, -0.1), (0.86, 0.06)], color)
    canvas.polygon([(0.7, -0.04), (1.04, -0.12), (1.0, 0.06), (0.66, 0.1)], lighter(color, 0.3))


def _near_wing(canvas: Canvas, color: Color) -> None:
    wing = [(-0.3, 0.1), (0.16, 0.1), (0.42, 0.72), (0.2, 0.76)]
    canvas.polygon(wing, darker(color, 0.2))


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    accent = darker(color, 0.24)
    if taken is not Slot.BACK:
        _tail(canvas, accent)
    if taken is not Slot.SIDE:
        far = [(-0.22, -0.26), (0.06, -0.26), (0.34, -0.66), (0.18, -0.66)]
        canvas.polygon(far, accent)
    hull = [
        bezier((-0.88, 0.06), (-0.86, -0.38), (-0.5, -0.42), (-0.1, -0.4)),
        bezier((-0.1, -0.4), (0.4, -0.36), (0.7, -0.2), (0.96, -0.1)),
        bezier((0.96, -0.02), (0.7, 0.3), (0.3, 0.42), (-0.3, 0.42)),
        bezier((-0.3, 0.42), (-0.8, 0.42), (-0.88, 0.34), (-0.88, 0.06)),
    ]
    canvas.polygon(np.concatenate(hull), color)
    if with_face:
        eyes(canvas, *_ANCHORS.face)
    else:
        canvas.polygon([(-0.81, -0.08), (-0.69, -0.3), (-0.5, -0.32), (-0.5, -0.08)], _GLASS, 0.8)
    for x in (-0.24, 0.02, 0.28):
        canvas.ellipse(x, -0.1, 0.085, 0.095, _GLASS, 0.8)
    _near_wing(canvas, color)
    if taken is not Slot.SIDE:
        canvas.ellipse(-0.02, 0.5, 0.2, 0.12, lighter(color, 0.4))
        canvas.ellipse(-0.2, 0.5, 0.06, 0.1, _STEEL, 0.7)
    _propeller(canvas, -0.9, 0.08, 0.26)
    highlight(canvas, -0.3, -0.3, 0.18, 0.04, color)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    left, right, y = anchors.side
    for side, flank in ((-1, left), (1, right)):
        length = min(1.0, max(0.64, 1.48 - abs(flank)))
        _wing_with_propeller(canvas, flank - side * 0.1, y, side, length, color)


THING = Thing(
    name="airplane",
    synonyms=("plane",),
    colors=("white", "red", "blue"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SIDE,
        phrases=("airplane wings", "airplane wings and propellers"),
        colors=("gray", "red", "blue"),
        behind=_behind,
    ),
)
