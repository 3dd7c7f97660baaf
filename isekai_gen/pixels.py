"""A decoded picture's pixels as an array, copied while other threads go on.

`numpy.asarray` of a picture has Pillow copy every pixel while no other thread may run Python, which
holds up all threads that decode.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

RgbPixels = npt.NDArray[np.uint8]
"""uint8 [height, width, 3]."""


def rgb_pixels(image: Image.Image) -> RgbPixels:
    """A copy of a picture's pixels, equal to `numpy.asarray(image.convert("RGB"))`.

    Args:
        image: Of any mode and size.

    Returns:
        uint8 [height, width, 3], contiguous, the caller's own.
    """
    picture = image if image.mode == "RGB" else image.convert("RGB")
    padded = _shared_pixels(picture)
    if padded is None:
        return np.array(picture)
    pixels = np.empty((*padded.shape[:2], 3), dtype=np.uint8)
    # Plane by plane: numpy copies three bytes of every four many times slower.
    for channel in range(3):
        pixels[..., channel] = padded[..., channel]
    return pixels


def _shared_pixels(picture: Image.Image) -> npt.NDArray[np.uint8] | None:
    """Pillow's own memory, uint8 [height, width, 4], the fourth byte unused; None if it is split.

    Pillow keeps a picture larger than its block size (16 MiB) in several pieces.
    """
    import pyarrow as pa

    try:
        shared = pa.array(picture)
    except ValueError:
        return None
    flat: npt.NDArray[np.uint8] = shared.values.to_numpy(zero_copy_only=True)
    return flat.reshape(picture.height, picture.width, 4)
