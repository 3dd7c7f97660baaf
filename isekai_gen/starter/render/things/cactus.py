"""A cactus; known by its spines and ribs."""

import math

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import blossom, eyes
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_CREAM = (255, 250, 220)
_CLAY = (206, 112, 70)
_ANCHORS = Anchors(
    top=(0, -0.92, 0.32),
    bottom=(0, 0.5, 0.34),
    surface=(0, -0.2, 0.3, 0.62),
    back=(0.34, 0.1),
    side=(-0.34, 0.34, 0.05),
    face=(0, -0.3, 0.16),
)


def _arm(canvas: Canvas, side: int, y: float, color: Color) -> None:
    path = bezier((side * 0.2, y), (side * 0.74, y + 0.08), (side * 0.64, y - 0.5), points=14)
    canvas.line(path, color, 0.25, outlined=True)


def _tuft(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    """Three spines that spread upward from (x, y)."""
    high, low = y - size * 1.2, y - size * 0.55
    spines = [(x, y + size * 0.35), (x - size * 1.25, high), (x - size * 0.4, low),
              (x, high - size * 0.4), (x + size * 0.4, low), (x + size * 1.25, high)]  # fmt: skip
    canvas.polygon(spines, color, 0)


def _pot(canvas: Canvas) -> None:
    canvas.polygon([(-0.4, 0.56), (0.4, 0.56), (0.29, 0.98), (-0.29, 0.98)], darker(_CLAY, 0.1))
    canvas.rectangle(-0.46, 0.42, 0.46, 0.6, _CLAY, corner=0.05)
    canvas.line([(-0.36, 0.5), (-0.12, 0.5)], lighter(_CLAY), 0.04)


def _ribs_and_tufts(
    canvas: Canvas, color: Color, arms: list[tuple[int, float]], with_face: bool
) -> None:
    for x in (-0.18, 0.18):
        rib = bezier((x * 0.8, -0.8), (x * 1.2, -0.2), (x, 0.5), points=8)
        canvas.line(rib, darker(color, 0.28), 0.035)
    spine = _CREAM if sum(color) < 620 else darker(color, 0.55)
    tufts = [(0, -0.62), (-0.26, -0.42), (0.26, -0.4), (0, 0.34), (-0.25, 0.28), (0.25, 0.3)]
    tufts += [(side * 0.63, y - 0.2) for side, y in arms]
    for x, y in tufts if with_face else [*tufts, (0, -0.28), (0, 0.02)]:
        _tuft(canvas, x, y, 0.065, spine)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    arms = [(-1, 0.12), (1, -0.02)]
    if taken is Slot.SIDE:
        arms = []
    elif taken is Slot.BACK:
        arms = arms[:1]
    for side, y in arms:
        _arm(canvas, side, y, color)
    canvas.rectangle(-0.34, -0.92, 0.34, 0.58, color, corner=0.33)
    for side, y in arms:
        canvas.line([(0, y), (side * 0.42, y - 0.005)], color, 0.24)
    if taken is not Slot.SURFACE:
        _ribs_and_tufts(canvas, color, arms, with_face)
    if taken is not Slot.BOTTOM:
        _pot(canvas)
    if taken not in (Slot.TOP, Slot.SURFACE):
        blossom(canvas, 0.06, -0.92, 0.14)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    """Needles all around, long enough to poke out of a body that is wider than its surface."""
    x, y, radius_x, radius_y = anchors.surface
    for needle in range(17):
        angle = math.pi * (0.72 + 1.56 * needle / 16)
        cos, sin = math.cos(angle), math.sin(angle)
        foot_x, foot_y = x + radius_x * 0.7 * cos, y + radius_y * 0.7 * sin
        reach = 0.36 + 0.1 * (needle % 2)
        tip = (x + (radius_x + reach) * cos, y + (radius_y + reach) * sin)
        base = [(foot_x - 0.11 * sin, foot_y + 0.11 * cos),
                (foot_x + 0.11 * sin, foot_y - 0.11 * cos)]  # fmt: skip
        canvas.polygon([base[0], tip, base[1]], _CREAM, 0.6, ink=darker(color, 0.4))


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, radius_x, radius_y = anchors.surface
    gap = min(max(radius_x * 0.66, 0.2), 0.36)
    with canvas.inside_body():
        for rib in range(-2, 3):
            middle = x + rib * gap
            path = bezier((x + rib * gap * 0.7, y - radius_y - 0.45), (x + rib * gap * 1.3, y),
                          (x + rib * gap * 0.7, y + radius_y + 0.45), points=10)  # fmt: skip
            canvas.line(path, color, gap * 0.5, outlined=True)
            for row in range(5):
                tuft_y = y + (row - 2 + 0.4 * (rib % 2)) * max(radius_y * 0.5, 0.2)
                _tuft(canvas, middle, tuft_y, 0.075, _CREAM)
    top_x, top_y, _ = anchors.top
    blossom(canvas, top_x, top_y, 0.19)


THING = Thing(
    name="cactus",
    synonyms=(),
    colors=("green",),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SURFACE,
        phrases=("cactus spines", "cactus needles"),
        colors=("green",),
        behind=_behind,
        front=_front,
    ),
)
