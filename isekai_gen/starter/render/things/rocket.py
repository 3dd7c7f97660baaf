"""A rocket; known by its fins and flames."""

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import COLORS, Color, darker
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_GLASS = (150, 214, 246)
_METAL = (170, 174, 184)
_ANCHORS = Anchors(
    top=(0, -0.56, 0.3),
    bottom=(0, 0.52, 0.3),
    surface=(0, 0.08, 0.36, 0.44),
    back=(0.36, 0.1),
    side=(-0.38, 0.38, 0.05),
    face=(0, 0.22, 0.14),
)


def _accent(color: Color) -> Color:
    """Red, or white on a body that is itself reddish."""
    red, green, blue = color
    return COLORS["white"] if red > 1.6 * max(green, blue) else COLORS["red"]


def _fins(canvas: Canvas, x: float, y: float, half: float, color: Color) -> None:
    """A swept fin on each side; (x, y) is the middle of the engine's mouth."""
    for side in (-1, 1):
        root, tip = x + side * half * 0.7, x + side * (half + 0.38)
        fin = [
            bezier((root, y - 0.36), (tip, y - 0.24), (tip, y + 0.3)),
            bezier((tip, y + 0.3), (x + side * half, y + 0.02), (root, y + 0.04)),
        ]
        canvas.polygon(np.concatenate(fin), color)


def _flames(canvas: Canvas, x: float, y: float, half: float, length: float) -> None:
    layers = ((1.0, (240, 104, 30)), (0.68, (252, 180, 40)), (0.36, (255, 246, 170)))
    for share, color in layers:
        width, end = half * share, y + length * share
        flame = [
            bezier((x - width, y), (x - width * 1.6, y + (end - y) * 0.5), (x, end)),
            bezier((x, end), (x + width * 1.6, y + (end - y) * 0.5), (x + width, y)),
        ]
        if share == 1.0:
            for side in (-1, 1):
                lick = [(x + side * width * 0.2, y), (x + side * width * 1.05, y + length * 0.78),
                        (x + side * width * 1.02, y)]  # fmt: skip
                canvas.polygon(lick, color, 0.8)
        canvas.polygon(np.concatenate(flame), color, 0.8 if share == 1.0 else 0)


def _nozzle(canvas: Canvas, x: float, y: float, half: float) -> None:
    canvas.polygon(
        [(x - half * 0.72, y - 0.04), (x + half * 0.72, y - 0.04), (x + half, y + 0.14),
         (x - half, y + 0.14)], darker(_METAL, 0.35),
    )  # fmt: skip


def _hull(canvas: Canvas, color: Color, has_nose: bool) -> None:
    left = bezier((-0.28, 0.56), (-0.5, 0.1), (-0.44, -0.5), (0, -1.02))
    outline = np.concatenate([left, left[::-1] * (-1, 1)])
    nose = outline[outline[:, 1] < -0.5]
    hull = outline[outline[:, 1] >= -0.62]
    canvas.polygon(hull, color)
    if has_nose:
        canvas.polygon(nose, _accent(color))


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        _flames(canvas, 0, 0.62, 0.2, 0.42)
        _nozzle(canvas, 0, 0.56, 0.24)
        _fins(canvas, 0, 0.5, 0.3, _accent(color))
    _hull(canvas, color, taken is not Slot.TOP)
    canvas.ellipse(0, -0.2, 0.21, 0.21, _METAL)
    canvas.ellipse(0, -0.2, 0.14, 0.14, _GLASS, 0.7)
    canvas.ellipse(-0.05, -0.25, 0.05, 0.035, (255, 255, 255), 0, angle=-0.5)
    if taken is not Slot.SURFACE:
        for x in (-0.22, 0.0, 0.22):
            canvas.ellipse(x, 0.47, 0.022, 0.022, darker(color, 0.5), 0)
    highlight(canvas, -0.28, 0.0, 0.03, 0.12, color)
    if with_face:
        eyes(canvas, *_ANCHORS.face)
    elif taken is not Slot.BOTTOM:
        canvas.rectangle(-0.05, 0.2, 0.05, 0.66, _accent(color), 0.9, corner=0.04)


def _engine_size(anchors: Anchors) -> tuple[float, float, float]:
    """Middle, upper edge and half-width of the engine on another body."""
    x, y, half = anchors.bottom
    return x, y, min(0.6, max(0.32, half))


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = _engine_size(anchors)
    _flames(canvas, x, y + 0.06, half * 0.62, 0.78)
    _nozzle(canvas, x, y, half * 0.72)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = _engine_size(anchors)
    _fins(canvas, x, y, half, color)


THING = Thing(
    name="rocket",
    synonyms=(),
    colors=("white", "gray", "blue", "red"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BOTTOM,
        phrases=("rocket flames and fins", "a rocket engine"),
        colors=("red", "blue", "gray"),
        behind=_behind,
        front=_front,
    ),
)
