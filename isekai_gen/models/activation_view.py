"""Which part of a picture an encoder sees, after its own resizing and cropping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_pictures import Preparation

_MOST_ERROR = 0.5
"""Of a place after resizing, in pixels of the prepared picture; bilinear resizing ripples 0.1."""


@dataclass(frozen=True)
class PictureView:
    """The part of a picture that fills an encoder's input, in pixels of the picture.

    It is smaller than the picture where the encoder crops, and larger where it pads.

    Attributes:
        left: Where the left edge of the input lies, from the picture's left edge.
        top: Likewise, from its upper edge.
        right: Beyond `left`.
        bottom: Beyond `top`.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (self.left < self.right and self.top < self.bottom):
            raise ValueError(f"a view must have an area, got {self}")


def view_of(preparation: Preparation, width: int, height: int) -> PictureView:
    """What an encoder sees of pictures of one size.

    A ramp along each side is prepared as a picture would be; where its values end up says what was
    resized, cut or padded, whatever steps the encoder takes.

    Args:
        preparation: The encoder's.
        width: Of the picture, in pixels, at least 1.
        height: Likewise.

    Raises:
        ModelError: If the steps do anything but resize, cut and pad.
    """
    across = np.tile(np.arange(width, dtype=np.float32) + 0.5, (height, 1))
    down = np.tile((np.arange(height, dtype=np.float32) + 0.5)[:, None], (1, width))
    prepared_across, prepared_down = (_prepared(preparation, ramp) for ramp in (across, down))
    left, right = _ends(prepared_across[len(prepared_across) // 2], width)
    top, bottom = _ends(prepared_down[:, prepared_down.shape[1] // 2], height)
    return PictureView(left, top, right, bottom)


def _prepared(preparation: Preparation, ramp: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    picture = Image.fromarray(ramp)
    for step in preparation.steps:
        picture = step(picture)
    return np.asarray(picture, dtype=np.float64)


def _ends(places: npt.NDArray[np.float64], side: int) -> tuple[float, float]:
    """From places of the original along a line of the input to where its two edges lie."""
    if side == 1:
        return 0.0, 1.0
    # Beyond the middle third, edges and padding bend the ramp.
    count = len(places)
    numbers = np.arange(count) + 0.5
    middle = slice(count // 3, max(count // 3 + 2, count - count // 3))
    step, start = np.polyfit(numbers[middle], places[middle], 1)
    error = np.abs(start + step * numbers[middle] - places[middle]).max()
    if step <= 0 or error > _MOST_ERROR * max(step, 1.0):
        raise ModelError(
            "this encoder does more to pictures than resize, cut and pad them, so activation "
            "cannot be mapped back to their pixels; use another encoder"
        )
    # Resizing filters ripple by some thousandths of a pixel around the straight line.
    return round(float(start), 2) + 0.0, round(float(start + step * count), 2) + 0.0
