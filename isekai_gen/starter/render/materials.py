"""Surface textures for the flat area of a body; each is named in captions."""

import numpy as np

from isekai_gen.starter.render.canvas import Canvas

MATERIALS = ("plain", "wooden", "metal", "knitted")


def apply_material(canvas: Canvas, material: str) -> None:
    """Shade the body's flat area (`canvas.body_mask`) as `material`.

    Raises:
        ValueError: If the material is not one of `MATERIALS`.
    """
    if material == "plain" or not canvas.body_mask.any():
        return
    rows, columns = np.nonzero(canvas.body_mask)
    if material == "wooden":
        grain = np.sin(rows * 0.42 + 2.2 * np.sin(columns * 0.045 + canvas.rng.uniform(0, 6)))
        shade = 1 - 0.24 * (grain > 0.35)
    elif material == "metal":
        span = max(1, int(rows.max()) - int(rows.min()))
        height = (rows - rows.min()) / span
        shade = 0.78 + 0.5 * np.exp(-(((height - 0.3) / 0.12) ** 2)) - 0.2 * (height > 0.75)
    elif material == "knitted":
        stitch = np.sin(columns * 0.62 + 1.2 * np.abs(np.sin(rows * 0.31)) * 2)
        shade = 1 - 0.22 * (stitch * np.sin(rows * 0.62) > 0.1)
    else:
        raise ValueError(f"unknown material {material!r}; known: {', '.join(MATERIALS)}")
    area = canvas.pixels[rows, columns].astype(np.float64)
    canvas.pixels[rows, columns] = np.clip(area * shade[:, None], 0, 255).astype(np.uint8)
