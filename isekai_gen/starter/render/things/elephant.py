"""An elephant; known by its trunk and ears."""

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes, highlight
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_INNER_EAR = (240, 168, 176)
_TUSK = (255, 250, 232)


def _ear(canvas: Canvas, x: float, y: float, side: int, size: float, color: Color) -> None:
    canvas.ellipse(x, y, size * 0.86, size, color, angle=side * 0.25)
    canvas.ellipse(
        x - side * size * 0.04, y + size * 0.06, size * 0.56, size * 0.7, _INNER_EAR, 0,
        angle=side * 0.25,
    )  # fmt: skip


def _trunk(canvas: Canvas, x: float, y: float, size: float, color: Color) -> None:
    """A trunk that hangs down from (x, y), curls to the left and lifts its end."""
    path = bezier(
        (x, y),
        (x + size * 0.28, y + size * 1.15),
        (x - size * 0.62, y + size * 1.3),
        (x - size * 0.74, y + size * 0.52),
        points=22,
    )
    canvas.tube(path, size * 0.2, size * 0.115, color)
    for i in (5, 8, 11, 14):
        (here_x, here_y), (next_x, next_y) = path[i], path[i + 1]
        across = ((next_y - here_y) * 1.6, (here_x - next_x) * 1.6)
        fold = [(here_x - across[0], here_y - across[1]), (here_x + across[0], here_y + across[1])]
        canvas.line(fold, darker(color, 0.35), 0.03)
    end_x, end_y = path[-1]
    canvas.ellipse(end_x, end_y, size * 0.12, size * 0.06, darker(color, 0.3), 0.7, angle=0.1)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    for side in (-1, 1):
        # Ears lie above the flanks: they only shrink for another thing's sides.
        size = 0.3 if taken is Slot.SIDE else 0.42
        _ear(canvas, side * (0.3 + size), -0.42, side, size, color)
    canvas.ellipse(0, 0.4, 0.56, 0.46, color)
    if taken is not Slot.BOTTOM:
        for x in (-0.32, 0.32):
            canvas.rectangle(x - 0.2, 0.5, x + 0.2, 0.95, color, corner=0.12)
            for toe in (-0.1, 0.0, 0.1):
                canvas.ellipse(x + toe, 0.9, 0.045, 0.04, lighter(color, 0.65), 0)
    canvas.ellipse(0, -0.3, 0.5, 0.46, color)
    for side in (-1, 1):
        tusk = bezier(
            (side * 0.16, -0.04), (side * 0.24, 0.3), (side * 0.42, 0.14), (side * 0.34, -0.08)
        )
        canvas.polygon(tusk, _TUSK, 0.8)
    _trunk(canvas, 0, -0.12, 0.62, color)
    eyes(canvas, 0, -0.32, 0.17, smiling=False)
    highlight(canvas, -0.24, -0.6, 0.1, 0.05, color)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    left, right, y = anchors.side
    for side, x in ((-1, left), (1, right)):
        _ear(canvas, x + side * 0.22, y - 0.12, side, 0.52, color)


def _front(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    x, y, size = anchors.face
    _trunk(canvas, x, y + size * 0.9, 0.68, color)


THING = Thing(
    name="elephant",
    synonyms=(),
    colors=("gray", "blue", "pink"),
    alive=True,
    anchors=Anchors(
        top=(0, -0.74, 0.4),
        bottom=(0, 0.76, 0.5),
        surface=(0, 0.38, 0.5, 0.42),
        back=(0.5, 0.45),
        side=(-0.52, 0.52, 0.4),
        face=(0, -0.32, 0.17),
    ),
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.SIDE,
        phrases=("an elephant trunk", "an elephant trunk and ears"),
        colors=("gray",),
        behind=_behind,
        front=_front,
    ),
)
