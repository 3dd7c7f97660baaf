"""Masks of objects in a picture's own pixels, from an activation map, and random ones as control.

A map lies on the grid of an encoder's image tower, and the grid on what the encoder saw of the
picture (`PictureView`). What it did not see has no activation, and so belongs to the context.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.models.activation_view import PictureView

Mask = npt.NDArray[np.bool_]
"""bool [height, width] in pixels of a picture."""
MaskShape = Literal["grid", "smooth"]
"""Whole patches of the grid; or what the map is after bilinear interpolation."""
DEFAULT_LIMIT = 0.3
"""Activation above which a place belongs to the object (the command shown with
arXiv 2303.03052)."""


@dataclass(frozen=True)
class PictureGrid:
    """A grid of patches laid on a picture.

    Attributes:
        width: Of the picture, in pixels.
        height: Likewise.
        rows: Patches from top to bottom of the view.
        columns: Patches from left to right of it.
        view: Where the grid lies, in pixels of the picture.
    """

    width: int
    height: int
    rows: int
    columns: int
    view: PictureView

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.rows, self.columns) < 1:
            raise ValueError(f"a picture and its grid must not be empty, got {self}")

    def across(self) -> npt.NDArray[np.float64]:
        """Where the middle of each pixel column lies, in patches: 0 at the left edge."""
        return _places(self.width, self.view.left, self.view.right, self.columns)

    def down(self) -> npt.NDArray[np.float64]:
        """Where the middle of each pixel row lies, in patches: 0 at the upper edge."""
        return _places(self.height, self.view.top, self.view.bottom, self.rows)


def object_mask(
    activation: FloatArray,
    grid: PictureGrid,
    limit: float = DEFAULT_LIMIT,
    shape: MaskShape = "smooth",
) -> Mask:
    """Pixels whose activation is above a limit.

    Args:
        activation: float32 [rows, columns] in [0, 1], of the grid.
        grid: Where it lies on the picture.
        limit: In [0, 1).
        shape: Whether the map is interpolated first.

    Returns:
        bool [height, width], True on the object.
    """
    if not 0 <= limit < 1:
        raise ValueError(f"limit must be in [0, 1), got {limit}")
    return on_picture(activation, grid, shape) > limit


def context_mask(found: Mask) -> Mask:
    """Everything but the object."""
    return ~found


def random_mask(found: Mask, grid: PictureGrid, shape: MaskShape, seed: int) -> Mask:
    """A mask of the same area and grain at random places, as a control.

    Patches are put in a random order, interpolated as maps are; the first pixels in that order are
    taken, as many as the mask has.

    Args:
        found: The mask, bool [height, width].
        grid: Of the map that it was made from.
        shape: As it was made.
        seed: Of the order, at least 0.

    Returns:
        bool [height, width] with exactly as many pixels as `found`.
    """
    count = grid.rows * grid.columns
    ranks = np.random.default_rng(seed).permutation(count) + 1.0
    drawn = (ranks / count).reshape(grid.rows, grid.columns).astype(np.float32)
    order = np.argsort(-on_picture(drawn, grid, shape), axis=None, kind="stable")
    mask = np.zeros(found.size, dtype=np.bool_)
    mask[order[: int(found.sum())]] = True
    return mask.reshape(found.shape)


def mask_rate(mask: Mask) -> float:
    """Share of the picture that a mask covers, in [0, 1]."""
    return float(mask.mean())


def on_picture(activation: FloatArray, grid: PictureGrid, shape: MaskShape) -> FloatArray:
    """Activation at each pixel of the picture: float32 [height, width], 0 outside the view."""
    if activation.shape != (grid.rows, grid.columns):
        raise ValueError(
            f"activation must have shape ({grid.rows}, {grid.columns}), got {activation.shape}"
        )
    down, across = grid.down(), grid.across()
    if shape == "grid":
        rows = np.clip(np.floor(down).astype(np.int64), 0, grid.rows - 1)
        columns = np.clip(np.floor(across).astype(np.int64), 0, grid.columns - 1)
        found = activation[np.ix_(rows, columns)].astype(np.float64)
    else:
        found = _weights(down, grid.rows) @ activation @ _weights(across, grid.columns).T
    seen = np.outer((down >= 0) & (down < grid.rows), (across >= 0) & (across < grid.columns))
    placed: FloatArray = np.where(seen, found, 0.0).astype(np.float32)
    return placed


def patch_numbers(grid: PictureGrid) -> npt.NDArray[np.int64]:
    """Which patch each pixel lies in: int64 [height, width].

    The grid goes on where the encoder did not look, so that every pixel has a patch.
    """
    rows = np.floor(grid.down()).astype(np.int64)
    columns = np.floor(grid.across()).astype(np.int64)
    rows -= rows.min()
    columns -= columns.min()
    return rows[:, None] * (int(columns.max()) + 1) + columns[None, :]


def _places(pixels: int, start: float, end: float, patches: int) -> npt.NDArray[np.float64]:
    """Middles of pixels along a side, in patches from where the view starts."""
    return (np.arange(pixels, dtype=np.float64) + 0.5 - start) / (end - start) * patches


def _weights(places: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """Bilinear weights [pixels, count] between the middles of patches; held at the edges."""
    at = np.clip(places - 0.5, 0, count - 1)
    low = np.minimum(np.floor(at).astype(np.int64), count - 1)
    high = np.minimum(low + 1, count - 1)
    share = at - low
    weights = np.zeros((len(places), count))
    pixels = np.arange(len(places))
    weights[pixels, low] += 1 - share
    weights[pixels, high] += share
    return weights
