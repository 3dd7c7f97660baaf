"""What is measured on one picture: hashes, size, contrast, and how much of it looks like text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from isekai_gen.models.perceptual import PictureHash, hash_picture
from isekai_gen.models.text_likeness import text_share
from isekai_gen.records import PictureLook

LOOK_VERSION = 1
"""Changes when the measurements of a picture do."""


@dataclass(frozen=True, eq=False)
class Look:
    """The measurements of one picture.

    Attributes:
        hash: Its perceptual hashes.
        short_side: Pixels of the shorter side.
        contrast: Standard deviation of the gray levels, in [0, 127.5].
        text: Share of the picture that looks like text or a watermark, in [0, 1].
    """

    hash: PictureHash
    short_side: int
    contrast: float
    text: float

    def record(self, image_id: str) -> PictureLook:
        """Without the hashes, as a record of this image."""
        return PictureLook(image_id, self.short_side, self.contrast, self.text)


def look_at(image: Image.Image) -> Look:
    """Measure a decoded picture of any mode and size."""
    gray = image if image.mode == "L" else image.convert("L")
    return Look(hash_picture(gray), min(image.size), gray_contrast(gray), text_share(gray))


def gray_contrast(gray: Image.Image) -> float:
    """Standard deviation of the gray levels of a picture of mode "L", in [0, 127.5]."""
    counts = np.array(gray.histogram(), dtype=np.float64)
    levels = np.arange(len(counts))
    mean = float(counts @ levels) / counts.sum()
    return float(np.sqrt(float(counts @ (levels - mean) ** 2) / counts.sum()))
