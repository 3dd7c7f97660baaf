"""Small shapes that several things share: eyes, smiles, highlights, blossoms."""

import math

from isekai_gen.starter.render.canvas import Canvas, bezier
from isekai_gen.starter.render.palette import INK, WHITE, Color, lighter


def eyes(canvas: Canvas, x: float, y: float, size: float, smiling: bool = True) -> None:
    """Two round eyes around (x, y), `size` apart from the middle, with or without a smile."""
    for side in (-1, 1):
        eye_x = x + side * size
        canvas.ellipse(eye_x, y, size * 0.52, size * 0.6, WHITE, 0.6, ink=INK)
        canvas.ellipse(eye_x - size * 0.1, y + size * 0.06, size * 0.3, size * 0.38, INK, 0)
        canvas.ellipse(eye_x - size * 0.2, y - size * 0.12, size * 0.12, size * 0.14, WHITE, 0)
    if smiling:
        smile(canvas, x, y + size, size)


def smile(canvas: Canvas, x: float, y: float, width: float) -> None:
    """A smile whose corners lie `width / 2` to each side of (x, y)."""
    path = bezier((x - width / 2, y), (x, y + width / 2), (x + width / 2, y), points=10)
    canvas.line(path, (40, 26, 36), 0.03)


def dot_eye(canvas: Canvas, x: float, y: float, size: float = 0.065) -> None:
    """One small black eye with a glint, for things seen from the side."""
    canvas.ellipse(x, y, size, size * 1.2, INK, 0)
    canvas.ellipse(x - size * 0.3, y - size * 0.45, size * 0.33, size * 0.4, WHITE, 0)


def highlight(
    canvas: Canvas, x: float, y: float, radius_x: float, radius_y: float, color: Color
) -> None:
    """A slanted bright spot that makes a round body look round."""
    canvas.ellipse(x, y, radius_x, radius_y, lighter(color, 0.55), 0, angle=-0.5)


def blossom(
    canvas: Canvas, x: float, y: float, radius: float, color: Color = (246, 120, 170)
) -> None:
    """A flower of five petals with a yellow heart."""
    for petal in range(5):
        turn = petal * 2 * math.pi / 5 - 0.3
        petal_x = x + radius * 0.8 * math.cos(turn)
        petal_y = y + radius * 0.8 * math.sin(turn)
        canvas.ellipse(petal_x, petal_y, radius * 0.6, radius * 0.6, color, 0.5)
    canvas.ellipse(x, y, radius * 0.45, radius * 0.45, (250, 206, 70), 0.4)
