"""What was measured on a picture, whatever it shows."""

from __future__ import annotations

from dataclasses import dataclass

from isekai_gen.records.base import Record


@dataclass(frozen=True)
class PictureLook(Record):
    """Measurements that tell a useless picture.

    Attributes:
        image_id: The image.
        short_side: Pixels of the shorter side.
        contrast: Standard deviation of the gray levels, in [0, 127.5].
        text: Share of the picture that looks like text or a watermark, in [0, 1].
    """

    image_id: str
    short_side: int
    contrast: float
    text: float
