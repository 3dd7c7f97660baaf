"""A rabbit; known by its long ears."""

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import INK, WHITE, Color, darker, lighter
from isekai_gen.starter.render.parts import eyes
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_PINK = (250, 164, 178)
_ANCHORS = Anchors(
    top=(0, -0.54, 0.36),
    bottom=(0, 0.86, 0.42),
    surface=(0, 0.5, 0.4, 0.36),
    back=(0.4, 0.6),
    side=(-0.44, 0.44, 0.5),
    face=(0, -0.24, 0.19),
)


def _ears(canvas: Canvas, x: float, y: float, gap: float, length: float, color: Color) -> None:
    """Two upright ears whose roots lie `gap` to each side of (x, y)."""
    width = length * 0.21
    for side in (-1, 1):
        middle_x, middle_y = x + side * (gap + length * 0.07), y - length / 2
        canvas.ellipse(middle_x, middle_y, width, length / 2, color, angle=side * 0.16)
        inner = length * 0.36
        canvas.ellipse(
            middle_x, middle_y - length * 0.02, width * 0.52, inner, _PINK, 0, side * 0.16
        )


def _carrot(canvas: Canvas, x: float, y: float) -> None:
    for lean in (-0.14, 0.0, 0.14):
        canvas.line([(x, y - 0.2), (x + lean, y - 0.42)], (84, 168, 76), 0.06, outlined=True)
    canvas.polygon(
        [(x - 0.13, y - 0.2), (x, y - 0.26), (x + 0.13, y - 0.2), (x + 0.04, y + 0.34),
         (x - 0.04, y + 0.34)], (244, 130, 36),
    )  # fmt: skip
    for offset in (-0.08, 0.06):
        canvas.line([(x - 0.1, y + offset), (x, y + offset + 0.02)], (190, 88, 24), 0.025)


def _muzzle(canvas: Canvas) -> None:
    for side in (-1, 1):
        canvas.ellipse(side * 0.33, -0.04, 0.09, 0.06, _PINK, 0)
    canvas.rectangle(-0.09, 0.02, 0.09, 0.17, WHITE, 0.6, corner=0.03)
    canvas.line([(0, 0.03), (0, 0.16)], (150, 140, 150), 0.022)
    for side in (-1, 1):
        path = bezier((0, -0.01), (side * 0.04, 0.07), (side * 0.17, 0.01), points=8)
        canvas.line(path, INK, 0.03)
    canvas.polygon([(-0.07, -0.1), (0.07, -0.1), (0, -0.01)], (236, 110, 136), 0.5)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BACK:
        canvas.ellipse(0.46, 0.66, 0.17, 0.16, lighter(color, 0.7))
    if taken is not Slot.TOP:
        _ears(canvas, 0, -0.4, 0.17, 0.62, color)
    canvas.ellipse(0, 0.5, 0.45, 0.42, color)
    if taken is not Slot.SURFACE:
        canvas.ellipse(0, 0.56, 0.27, 0.3, lighter(color, 0.6), 0)
    if taken is not Slot.BOTTOM:
        for side in (-1, 1):
            canvas.ellipse(side * 0.3, 0.86, 0.24, 0.12, color)
            canvas.ellipse(side * 0.32, 0.88, 0.12, 0.055, _PINK, 0)
    canvas.ellipse(0, -0.18, 0.5, 0.4, color)
    eyes(canvas, *_ANCHORS.face, smiling=False)
    _muzzle(canvas)
    _carrot(canvas, -0.4, 0.5)
    canvas.ellipse(-0.36, 0.5, 0.14, 0.09, color, 0.9, angle=-0.3)
    canvas.line([(-0.47, 0.5), (-0.42, 0.5)], darker(color, 0.5), 0.02)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half = anchors.top
    gap = min(0.34, max(0.17, half * 0.5))
    root = y + 0.18
    _ears(canvas, x, root, gap, max(0.8, min(1.0, root + 1.5)), color)


THING = Thing(
    name="rabbit",
    synonyms=("bunny",),
    colors=("white", "brown", "gray"),
    alive=True,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("rabbit ears", "long rabbit ears"),
        colors=("white", "brown", "gray"),
        behind=_behind,
    ),
)
