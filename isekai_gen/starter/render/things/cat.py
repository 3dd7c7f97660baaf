"""A cat; known by its pointed ears and whiskers."""

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_PINK = (246, 160, 176)
_HAIR = (60, 52, 60)
_NATURAL = ("orange", "gray", "black", "white")
_ANCHORS = Anchors(
    top=(0, -0.66, 0.46),
    bottom=(0, 0.78, 0.42),
    surface=(0, 0.42, 0.43, 0.44),
    back=(0.42, 0.5),
    side=(-0.46, 0.46, 0.42),
    face=(0, -0.26, 0.2),
)


def _ear(canvas: Canvas, x: float, y: float, side: int, size: float, color: Color) -> None:
    """A pointed ear; (x, y) is the middle of its base."""

    def triangle(share: float) -> list[tuple[float, float]]:
        low = y - size * 0.1 * (1 - share)
        return [
            (x - side * size * 0.5 * share, low),
            (x + side * size * 0.24, low - size * 1.12 * share),
            (x + side * size * 0.5 * share, low + size * 0.1),
        ]

    canvas.polygon(triangle(1), color, 1.1)
    canvas.polygon(triangle(0.56), _PINK, 0)


def _muzzle(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Nose and whiskers under eyes at (x, y)."""
    canvas.polygon([(x - size * 0.3, y + size * 0.56), (x + size * 0.3, y + size * 0.56),
                    (x, y + size * 0.92)], (238, 110, 134), 0.5)  # fmt: skip
    for side in (-1, 1):
        for fan in (-1, 0, 1):
            start = (x + side * size * 1.0, y + size * (0.86 + 0.14 * fan))
            end = (x + side * size * 2.9, y + size * (0.78 + 0.55 * fan))
            canvas.line([start, end], (255, 255, 255), 0.05)
            canvas.line([start, end], _HAIR, 0.028)


def _stripes(canvas: Canvas, color: Color) -> None:
    stripe = darker(color, 0.4) if sum(color) > 260 else lighter(color, 0.25)
    for x in (-0.13, 0.0, 0.13):
        canvas.line([(x * 1.2, -0.64), (x * 0.9, -0.48)], stripe, 0.045)
    for side in (-1, 1):
        for y in (0.3, 0.46):
            canvas.line([(side * 0.42, y), (side * 0.3, y + 0.03)], stripe, 0.05)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    if taken is not Slot.BACK:
        tail = bezier((0.3, 0.76), (1.1, 0.85), (0.6, 0.1), (0.92, -0.1))
        canvas.line(tail, color, 0.16, outlined=True)
    canvas.ellipse(0, 0.42, 0.46, 0.5, color)
    if taken is not Slot.SURFACE:
        canvas.ellipse(0, 0.54, 0.24, 0.28, lighter(color, 0.6), 0)
    if taken is not Slot.BOTTOM:
        for x in (-0.22, 0.22):
            canvas.ellipse(x, 0.86, 0.18, 0.11, lighter(color, 0.35))
    if taken is not Slot.TOP:
        for side in (-1, 1):
            _ear(canvas, side * 0.34, -0.46, side, 0.48, color)
    canvas.ellipse(0, -0.24, 0.58, 0.44, color)
    if taken is not Slot.SURFACE:
        _stripes(canvas, color)
    eyes(canvas, *_ANCHORS.face, smiling=False)
    _muzzle(canvas, *_ANCHORS.face)
    for side in (-1, 1):
        canvas.line(bezier((0, -0.07), (side * 0.03, 0.03), (side * 0.12, 0.0), points=6),
                    _HAIR, 0.03)  # fmt: skip


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, half_width = anchors.top
    apart = min(max(half_width * 0.75, 0.24), 0.52)
    size = min(max(half_width + 0.36, 0.62), 0.8)
    for side in (-1, 1):
        _ear(canvas, x + side * apart, max(y, -0.88) + 0.18, side, size, color)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, size = anchors.face
    _muzzle(canvas, x, y, max(size, 0.17))


THING = Thing(
    name="cat",
    synonyms=("kitten",),
    colors=_NATURAL,
    alive=True,
    anchors=_ANCHORS,
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.TOP,
        phrases=("cat ears", "cat ears and whiskers"),
        colors=_NATURAL,
        behind=_behind,
        front=_front,
    ),
)
