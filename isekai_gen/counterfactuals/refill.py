"""Fill the masked pixels of a picture: with gray, from one other picture, or from many.

Fillers stand at the same places: a patch of the sky is filled with what another picture has there.
What is not masked keeps its pixels, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from isekai_gen.counterfactuals.masks import Mask
from isekai_gen.pixels import RgbPixels, rgb_pixels

Refill = Literal["none", "single", "multi", "inpaint"]
NEUTRAL = (128, 128, 128)
"""Where nothing is filled in: the same gray in every picture, so that it tells nothing."""


def refill(
    picture: RgbPixels,
    masked: Mask,
    fillers: Sequence[RgbPixels],
    patches: npt.NDArray[np.int64],
    seed: int,
) -> RgbPixels:
    """A copy of a picture whose masked pixels come from others.

    Args:
        picture: uint8 [height, width, 3] RGB.
        masked: bool [height, width], True on what is replaced.
        fillers: None for gray; one for single-fill; more for multi-fill, where each patch with a
            masked pixel is given one of them, all as often as one another, give or take one. Of
            any size: resized to cover the picture.
        patches: Which patch each pixel lies in, int64 [height, width] (`masks.patch_numbers`).
        seed: Of who fills which patch.

    Returns:
        uint8 [height, width, 3], a function of the arguments alone.
    """
    shape = picture.shape[:2]
    if masked.shape != shape or patches.shape != shape or masked.dtype != np.bool_:
        raise ValueError(
            f"mask and patches must have shape {shape}, got {masked.shape} and {patches.shape}"
        )
    made: RgbPixels = picture.copy()
    if not fillers:
        made[masked] = NEUTRAL
        return made
    covers = [covering(filler, width=shape[1], height=shape[0]) for filler in fillers]
    used, place = np.unique(patches[masked], return_inverse=True)
    filler_of = np.arange(len(used)) % len(covers)
    np.random.default_rng(seed).shuffle(filler_of)
    chosen = filler_of[place]
    rows, columns = np.nonzero(masked)
    for number, cover in enumerate(covers):
        here = chosen == number
        made[rows[here], columns[here]] = cover[rows[here], columns[here]]
    return made


def covering(filler: RgbPixels, width: int, height: int) -> RgbPixels:
    """A filler in a picture's size: resized to cover it, cut in the middle."""
    own_height, own_width = filler.shape[:2]
    if (own_width, own_height) == (width, height):
        return filler
    scale = max(width / own_width, height / own_height)
    # Rounding may put a side that fits exactly a hair beyond the filler, which Pillow refuses.
    left = max(0.0, (own_width - width / scale) / 2)
    top = max(0.0, (own_height - height / scale) / 2)
    box = (left, top, own_width - left, own_height - top)
    image = Image.fromarray(filler).resize((width, height), Image.Resampling.BICUBIC, box=box)
    return rgb_pixels(image)


def paste_masked(picture: RgbPixels, masked: Mask, drawn: RgbPixels) -> RgbPixels:
    """What a model drew, where the mask is; the picture's own pixels, to the bit, elsewhere.

    A latent diffusion model changes the pixels around a mask, too, by encoding and decoding them.
    """
    if drawn.shape != picture.shape or masked.shape != picture.shape[:2]:
        raise ValueError(
            f"what was drawn must have shape {picture.shape}, got {drawn.shape} with a mask of "
            f"{masked.shape}"
        )
    made: RgbPixels = np.where(masked[..., None], drawn, picture)
    return made
