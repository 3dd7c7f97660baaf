"""A table lamp; known by its pleated shade."""

import cv2
import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_BRASS = (222, 178, 88)
_LIGHT = (255, 240, 150)
_ANCHORS = Anchors(
    top=(0, -0.38, 0.34),
    bottom=(0, 0.9, 0.36),
    surface=(0, -0.4, 0.46, 0.4),
    back=(0.42, 0.5),
    side=(-0.44, 0.44, 0.48),
    face=(0, 0.46, 0.15),
)


def _glow(canvas: Canvas, x: float, y: float, half: float, length: float) -> None:
    """A see-through cone of light that falls from (x, y)."""
    before = canvas.pixels.copy()
    spread = half * 1.35
    cone = [(x - half, y), (x + half, y), (x + spread, y + length), (x - spread, y + length)]
    canvas.polygon(cone, _LIGHT, 0)
    cv2.addWeighted(before, 0.45, canvas.pixels, 0.55, 0, dst=canvas.pixels)


def _shade(
    canvas: Canvas,
    x: float,
    bottom: float,
    half: float,
    height: float,
    color: Color,
    lit: bool = True,
) -> None:
    """A pleated shade; `lit` adds two bright pleats."""
    top, top_half, sag = bottom - height, half * 0.52, half * 0.16
    rim = bezier((x - half, bottom), (x, bottom + sag), (x + half, bottom))
    collar = bezier((x - top_half, top), (x, top + sag * 0.5), (x + top_half, top), points=8)
    canvas.ellipse(x, top - 0.06, 0.05, 0.07, _BRASS, 0.8)
    canvas.polygon(np.concatenate([rim, collar[::-1]]), color)
    if lit:
        for share in (-0.62, -0.24):
            corners = [(x + s * top_half, top + 0.04) for s in (share - 0.1, share + 0.1)]
            corners += [(x + s * half, bottom + 0.06) for s in (share + 0.12, share - 0.12)]
            canvas.polygon(corners, lighter(color, 0.45), 0)
    for pleat in range(1, 8):
        share = pleat / 4 - 1
        end = bottom + sag * 0.5 * (1 - share**2)
        path = [(x + share * top_half, top + 0.03), (x + share * half, end)]
        canvas.line(path, darker(color, 0.32), 0.026)
    canvas.line(rim, _BRASS, 0.065, outlined=True)
    canvas.line(collar, _BRASS, 0.05, outlined=True)


def _bulb(canvas: Canvas) -> None:
    canvas.ellipse(0, -0.26, 0.25, 0.25, _LIGHT)
    canvas.line([(-0.1, -0.02), (-0.08, -0.24), (0, -0.16), (0.08, -0.24), (0.1, -0.02)],
                (226, 150, 50), 0.03)  # fmt: skip
    canvas.rectangle(-0.13, -0.06, 0.13, 0.06, (170, 174, 184), corner=0.03)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.TOP:
        _glow(canvas, 0, 0, 0.7, 0.9)
    canvas.rectangle(-0.09, -0.05, 0.09, 0.2, _BRASS, corner=0.03)
    vase = [
        bezier((-0.12, 0.1), (-0.7, 0.3), (-0.5, 0.7), (-0.2, 0.84)),
        bezier((0.2, 0.84), (0.5, 0.7), (0.7, 0.3), (0.12, 0.1)),
    ]
    canvas.polygon(np.concatenate(vase), color)
    highlight(canvas, -0.3, 0.3, 0.09, 0.05, color)
    if taken is not Slot.BOTTOM:
        canvas.rectangle(-0.36, 0.8, 0.36, 0.92, _BRASS, corner=0.05)
    if taken is Slot.TOP:
        _bulb(canvas)
    else:
        canvas.line([(0.34, 0.0), (0.34, 0.26)], darker(_BRASS, 0.3), 0.026)
        canvas.ellipse(0.34, 0.3, 0.05, 0.06, _BRASS, 0.7)
        _shade(canvas, 0, -0.02, 0.72, 0.84, color, lit=taken is not Slot.SURFACE)
    if with_face:
        eyes(canvas, *_ANCHORS.face)


def _shade_size(anchors: Anchors) -> tuple[float, float, float]:
    """Middle, lower edge and half-width of the shade on another body."""
    x, y, half = anchors.top
    return x, y + 0.03, min(0.85, max(0.56, half * 1.4 + 0.16))


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = _shade_size(anchors)
    _glow(canvas, x, y, half, 1.0)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = _shade_size(anchors)
    chain = x + half * 0.78
    canvas.line([(chain, y), (chain, y + 0.26)], darker(_BRASS, 0.3), 0.026)
    canvas.ellipse(chain, y + 0.3, 0.05, 0.06, _BRASS, 0.7)
    _shade(canvas, x, y, half, 0.68, color)


THING = Thing(
    name="lamp",
    synonyms=(),
    colors=("yellow", "red", "teal"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("a lampshade", "a lamp shade on top"),
        colors=("yellow", "orange", "red"),
        behind=_behind,
        front=_front,
    ),
)
