"""What came of drawing an image again, and how pictures are compared."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from isekai_gen.hashing import file_sha256, pixel_sha256
from isekai_gen.models.spec import Pixels
from isekai_gen.records import LOSSLESS_SUFFIXES, ImageRecord
from isekai_gen.stages.pictures import decode_picture
from isekai_gen.workspace import Workspace

FileState = Literal["intact", "missing", "damaged", "none recorded"]


@dataclass(frozen=True)
class Reproduction:
    """One image, drawn again.

    Attributes:
        image_id: The image.
        concept: Its concept's slug.
        identical: Whether the pixels have the recorded digest; of an image that failed, whether it
            failed for the recorded reason again.
        failure: Why there is no picture this time, or "".
        psnr_db: Peak signal-to-noise ratio to the picture in the workspace, in dB; infinite if
            there is no difference, None if there is no intact file to compare with. Of a JPEG
            file, that of what JPEG leaves of both.
        max_difference: Largest difference of a channel, 0 to 255; None as for `psnr_db`.
        file: "damaged" if the file in the workspace does not hold the recorded pixels.
        profile_changes: Where the reproducibility profile is no longer the recorded one, such as
            "torch 2.14 -> 2.15"; empty if it is the same.
        reproducible: Whether the image was recorded as reproducible.
    """

    image_id: str
    concept: str
    identical: bool
    failure: str
    psnr_db: float | None
    max_difference: int | None
    file: FileState
    profile_changes: tuple[str, ...]
    reproducible: bool

    @property
    def is_promised(self) -> bool:
        """Whether identical pixels are promised: within one profile, of reproducible images."""
        return self.reproducible and not self.profile_changes

    @property
    def passed(self) -> bool:
        """Whether promise and file hold."""
        return (self.identical or not self.is_promised) and self.file != "damaged"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields; an infinite `psnr_db`, which JSON cannot write, is null."""
        finite = self.psnr_db is not None and math.isfinite(self.psnr_db)
        return {
            **asdict(self),
            "psnr_db": self.psnr_db if finite else None,
            "is_promised": self.is_promised,
            "passed": self.passed,
        }


def read_recorded(workspace: Workspace, record: ImageRecord) -> tuple[FileState, Pixels | None]:
    """The picture in an image's file, if the file holds what was recorded.

    PNG and WebP must decode to the recorded pixels, whatever else was written into the file; of
    JPEG, which cannot, the bytes must be those recorded.

    Returns:
        State of the file, and uint8 [height, width, 3] if it is intact.
    """
    if not record.generated:
        return "none recorded", None
    path = workspace.image(record.concept, record.image_id, record.suffix)
    if not path.is_file():
        return "missing", None
    try:
        pixels = np.asarray(decode_picture(path.read_bytes(), record.suffix))
    except ValueError:
        return "damaged", None
    if record.suffix in LOSSLESS_SUFFIXES:
        intact = pixel_sha256(pixels) == record.pixel_sha256
    else:
        intact = file_sha256(path) == record.file_sha256
    return ("intact", pixels) if intact else ("damaged", None)


def difference_between(one: Pixels, other: Pixels) -> tuple[float, int]:
    """How far two pictures of one size are apart.

    Args:
        one: uint8 [height, width, 3].
        other: uint8 [height, width, 3].

    Returns:
        Peak signal-to-noise ratio in dB (infinite if they are the same), and the largest
        difference of a channel, 0 to 255.

    Raises:
        ValueError: If the sizes differ.
    """
    if one.shape != other.shape:
        raise ValueError(f"pictures of {one.shape} and {other.shape} cannot be compared")
    differences = one.astype(np.int32) - other.astype(np.int32)
    mean_square = float(np.mean(np.square(differences)))
    psnr = 10 * math.log10(255**2 / mean_square) if mean_square else math.inf
    return psnr, int(np.abs(differences).max())
