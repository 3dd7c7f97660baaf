"""A chair; known by its four legs."""

from isekai_gen.starter.render.canvas import Canvas
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_WOOD = (176, 118, 72)

_ANCHORS = Anchors(
    top=(0, -0.92, 0.46),
    bottom=(0, 0.36, 0.5),
    surface=(0, -0.5, 0.42, 0.36),
    back=(0.5, -0.2),
    side=(-0.54, 0.54, -0.3),
    face=(0, -0.56, 0.18),
)


def _leg(canvas: Canvas, top: tuple[float, float], foot: tuple[float, float], color: Color) -> None:
    canvas.polygon(
        [
            (top[0] - 0.09, top[1]),
            (top[0] + 0.09, top[1]),
            (foot[0] + 0.06, foot[1]),
            (foot[0] - 0.06, foot[1]),
        ],
        color,
    )
    canvas.ellipse(foot[0], foot[1], 0.085, 0.06, darker(color, 0.35), 0.8)


def _legs(canvas: Canvas, x: float, y: float, half: float, length: float, color: Color) -> None:
    """Two legs at the back, two in front, and the bars between them, below (x, y)."""
    shade = darker(color, 0.3)
    for side in (-1, 1):
        start = x + side * half * 0.5
        _leg(canvas, (start, y), (start + side * 0.03, y + length * 0.8), shade)
    bar = y + length * 0.42
    canvas.rectangle(x - half * 0.95, bar, x + half * 0.95, bar + 0.1, shade, corner=0.03)
    for side in (-1, 1):
        start = x + side * (half - 0.06)
        _leg(canvas, (start, y), (start + side * 0.1, y + length), color)


def _backrest(canvas: Canvas, color: Color) -> None:
    for side in (-1, 1):
        post = side * 0.47
        canvas.rectangle(post - 0.06, -0.86, post + 0.06, 0.2, _WOOD, corner=0.03)
        canvas.ellipse(post, -0.92, 0.085, 0.085, _WOOD)
    canvas.rectangle(-0.52, -0.86, 0.52, -0.16, color, corner=0.14)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BOTTOM:
        _legs(canvas, 0, 0.26, 0.56, 0.68, _WOOD)
    _backrest(canvas, color)
    if with_face:
        eyes(canvas, *_ANCHORS.face)
    elif taken is not Slot.SURFACE:
        for x in (-0.24, 0, 0.24):
            canvas.rectangle(x - 0.05, -0.72, x + 0.05, -0.3, darker(color, 0.28), 0.5, corner=0.04)
    canvas.polygon([(-0.46, 0.04), (0.46, 0.04), (0.66, 0.28), (-0.66, 0.28)], color)
    canvas.rectangle(-0.66, 0.26, 0.66, 0.38, lighter(color, 0.25), corner=0.05)
    highlight(canvas, -0.4, -0.72, 0.07, 0.05, color)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = anchors.bottom
    half = min(0.68, max(0.54, half * 1.1))
    _legs(canvas, x, y - 0.06, half, min(0.9, max(0.62, 1.5 - y)), color)
    canvas.rectangle(
        x - half - 0.12, y - 0.1, x + half + 0.12, y + 0.07, lighter(color, 0.2), corner=0.05
    )


THING = Thing(
    name="chair",
    synonyms=(),
    colors=("red", "brown", "teal", "yellow"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BOTTOM,
        phrases=("chair legs", "four chair legs"),
        colors=("brown", "orange"),
        behind=_behind,
    ),
)
