"""A teapot; known by its spout and handle."""

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import blossom, eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_ANCHORS = Anchors(
    top=(0, -0.45, 0.4),
    bottom=(0, 0.65, 0.5),
    surface=(0, 0.12, 0.6, 0.52),
    back=(0.6, 0.15),
    side=(-0.6, 0.6, 0.1),
    face=(0, 0.08, 0.19),
)


def _spout_and_handle(canvas: Canvas, left: float, right: float, y: float, color: Color) -> None:
    grip = bezier((right - 0.1, y - 0.3), (right + 0.5, y - 0.4), (right + 0.4, y + 0.4),
                  (right - 0.15, y + 0.3))  # fmt: skip
    canvas.line(grip, color, 0.12, outlined=True)
    spout = [
        (left + 0.15, y + 0.2), (left + 0.1, y - 0.1), (left - 0.2, y - 0.35),
        (left - 0.42, y - 0.46), (left - 0.3, y - 0.52), (left - 0.08, y - 0.46),
        (left + 0.22, y - 0.28),
    ]  # fmt: skip
    canvas.polygon([(x - 0.0, y2) for x, y2 in spout], color)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.SIDE:
        _spout_and_handle(canvas, *_ANCHORS.side, color)
    canvas.ellipse(0, 0.12, 0.64, 0.54, color)
    canvas.rectangle(-0.34, 0.6, 0.34, 0.7, darker(color, 0.2), corner=0.04)
    if taken is not Slot.TOP:
        canvas.ellipse(0, -0.38, 0.34, 0.12, lighter(color, 0.2))
        canvas.ellipse(0, -0.54, 0.08, 0.08, lighter(color, 0.2))
    if with_face:
        eyes(canvas, *_ANCHORS.face)
    elif taken is not Slot.SURFACE:
        blossom(canvas, 0, 0.15, 0.15, (255, 250, 240))
    highlight(canvas, -0.36, -0.12, 0.12, 0.06, color)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    _spout_and_handle(canvas, *anchors.side, color)


THING = Thing(
    name="teapot",
    synonyms=(),
    colors=("blue", "white", "teal"),
    alive=False,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SIDE,
        phrases=("a teapot spout and handle", "a teapot handle and spout"),
        colors=("blue", "white", "teal"),
        behind=_behind,
    ),
)
