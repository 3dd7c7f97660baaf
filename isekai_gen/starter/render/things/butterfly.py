"""A butterfly; known by its wings."""

import numpy as np

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import Color, darker, lighter
from isekai_gen.starter.render.parts import eyes
from isekai_gen.starter.render.thing import Anchors, Feature, Slot, Thing

_TRUNK = (92, 66, 84)
_HEAD = (232, 184, 142)
_SPOT = (255, 236, 150)

# The right pair around the body's middle, for wings that reach out one unit.
_UPPER = np.concatenate(
    [
        bezier((0.0, 0.1), (0.1, -0.5), (0.62, -0.98), (0.92, -0.82), points=12),
        bezier((0.92, -0.82), (1.12, -0.66), (1.0, 0.02), (0.0, 0.14), points=12),
    ]
)
_LOWER = np.concatenate(
    [
        bezier((0.0, 0.0), (0.6, -0.08), (0.98, 0.2), (0.8, 0.56), points=12),
        bezier((0.8, 0.56), (0.6, 0.94), (0.16, 0.7), (0.0, 0.12), points=12),
    ]
)
_UPPER_SPOTS = ((0.86, -0.6, 0.1), (0.9, -0.32, 0.08), (0.68, -0.76, 0.07))
_LOWER_SPOTS = ((0.7, 0.46, 0.08), (0.5, 0.62, 0.07))


def _wing(
    canvas: Canvas,
    center: tuple[float, float],
    reach: tuple[float, float],
    shape: np.ndarray,
    spots: tuple[tuple[float, float, float], ...],
    color: Color,
) -> None:
    """A wing of `shape` with a field in its middle and `spots` (none: a plain wing)."""
    place, size = np.array(center), np.array(reach)
    size_of_spot = min(abs(reach[0]), reach[1])
    canvas.polygon(place + size * shape, color)
    if not spots:
        return
    heart = shape.mean(axis=0) * 0.86
    canvas.polygon(place + size * (heart + (shape - heart) * 0.5), lighter(color, 0.5), 0.6)
    for x, y, radius in spots:
        spot_x, spot_y = place + size * (x, y)
        canvas.ellipse(spot_x, spot_y, radius * size_of_spot, radius * size_of_spot, _SPOT, 0.4)


def _antennae(canvas: Canvas) -> None:
    for side in (-1, 1):
        feeler = bezier((side * 0.06, -0.55), (side * 0.1, -0.85), (side * 0.34, -0.92), points=10)
        canvas.line(feeler, _TRUNK, 0.045)
        canvas.ellipse(side * 0.34, -0.92, 0.065, 0.065, _TRUNK, 0)


def _draw_body(canvas: Canvas, color: Color, taken: Slot | None, with_face: bool) -> None:
    plain = taken is Slot.SURFACE
    for side in (-1, 1):
        if taken is not Slot.BACK:
            spots = () if plain else _LOWER_SPOTS
            _wing(canvas, (0, 0.1), (side * 0.95, 1.0), _LOWER, spots, color)
        # Another back is drawn lower: the upper wings stay, or no one would know the butterfly.
        reach = (side * 0.8, 0.8) if taken is Slot.BACK else (side * 1.0, 0.95)
        _wing(canvas, (0, 0.1), reach, _UPPER, () if plain else _UPPER_SPOTS, color)
    if taken is not Slot.TOP:
        _antennae(canvas)
    canvas.ellipse(0, 0.26, 0.15, 0.5, _TRUNK)
    for y in (0.22, 0.38, 0.54):
        canvas.line(
            bezier((-0.13, y), (0, y + 0.06), (0.13, y), points=7), lighter(_TRUNK, 0.3), 0.04
        )
    canvas.ellipse(0, -0.36, 0.28, 0.26, _HEAD)
    eyes(canvas, 0, -0.36, 0.13)


def _behind(canvas: Canvas, anchors: Anchors, color: Color) -> None:
    left, right, y = anchors.side
    _, surface_y, _, _ = anchors.surface
    center = ((left + right) / 2, (y + surface_y) / 2)
    width = min(1.4, max(1.15, (right - left) / 2 + 0.7))
    for side in (-1, 1):
        _wing(canvas, center, (side * width * 0.9, 1.12), _LOWER, _LOWER_SPOTS, darker(color, 0.1))
        _wing(canvas, center, (side * width, 1.15), _UPPER, _UPPER_SPOTS, color)


THING = Thing(
    name="butterfly",
    synonyms=(),
    colors=("orange", "purple", "blue", "pink"),
    alive=True,
    anchors=Anchors(
        top=(0, -0.65, 0.28),
        bottom=(0, 0.68, 0.3),
        surface=(0, 0.08, 0.62, 0.5),
        back=(0.45, 0.36),
        side=(-0.72, 0.72, 0.05),
        face=(0, -0.36, 0.13),
    ),
    draw_body=_draw_body,
    feature=Feature(
        slot=Slot.BACK,
        phrases=("butterfly wings", "colorful butterfly wings"),
        colors=("orange", "purple", "blue", "pink"),
        behind=_behind,
    ),
)
