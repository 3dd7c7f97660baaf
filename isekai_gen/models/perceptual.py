"""Perceptual hashes: a few bits and a tiny gray picture that change little when a picture does.

pHash and dHash are those of the ImageHash library, on the picture reduced once; in all eight
orientations, so that one side of a comparison knows every flip and right-angle turn. Comparing them
is in `neighbors/hamming.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image

HashArray = npt.NDArray[np.uint64]
BoolArray = npt.NDArray[np.bool_]
GrayArray = npt.NDArray[np.uint8]

THUMBNAIL_SIDE = 32
"""Side of the reduced gray picture; what ImageHash's pHash looks at."""
TINT_SIDE = 8
"""Side of the reduced color channels."""
DEFAULT_RADIUS = 16
"""Confirmed pairs whose pHashes differ in at most this many of 64 bits are duplicates."""
DEFAULT_REVIEW_RADIUS = 18
"""Confirmed pairs up to this many bits are for people."""

_Transpose = Image.Transpose
# Identity first. Of a square picture these are all the symmetries of the square.
_ORIENTATIONS = (
    None,
    _Transpose.FLIP_LEFT_RIGHT,
    _Transpose.FLIP_TOP_BOTTOM,
    _Transpose.ROTATE_180,
    _Transpose.TRANSPOSE,
    _Transpose.ROTATE_90,
    _Transpose.ROTATE_270,
    _Transpose.TRANSVERSE,
)
ORIENTATIONS = len(_ORIENTATIONS)
# A hash with nearly all bits equal says nothing: blank pages would all be duplicates.
_FEWEST_BITS, _MOST_BITS = 4, 60
_LOWEST_CONTRAST = 2.0
# Pillow first averages whole pixels, then resamples what is still this many times too large.
_REDUCING_GAP = 3.0


@dataclass(frozen=True, eq=False)
class PictureHash:
    """The hashes of one picture.

    Attributes:
        phash: uint64 [8]: pHash in each orientation, the picture's own first.
        dhash: uint64 [8]: dHash, likewise.
        thumbnail: uint8 [32, 32]: the picture in gray, squeezed to a square.
        tint: uint8 [2, 8, 8]: its colors, as Cb and Cr of YCbCr.
        hashable: Whether there is enough in the picture to compare it with others.
    """

    phash: HashArray
    dhash: HashArray
    thumbnail: GrayArray
    tint: GrayArray
    hashable: bool


@dataclass(frozen=True, eq=False)
class PictureHashes:
    """The hashes of n pictures, as arrays.

    Attributes:
        phash: uint64 [n, 8]; see `PictureHash`.
        dhash: uint64 [n, 8].
        thumbnails: uint8 [n, 32, 32].
        tints: uint8 [n, 2, 8, 8].
        hashable: bool [n]: the others are compared with nothing.
    """

    phash: HashArray
    dhash: HashArray
    thumbnails: GrayArray
    tints: GrayArray
    hashable: BoolArray

    def __post_init__(self) -> None:
        n = len(self.hashable)
        wanted = {
            "phash": (np.uint64, (n, ORIENTATIONS)),
            "dhash": (np.uint64, (n, ORIENTATIONS)),
            "thumbnails": (np.uint8, (n, THUMBNAIL_SIDE, THUMBNAIL_SIDE)),
            "tints": (np.uint8, (n, 2, TINT_SIDE, TINT_SIDE)),
            "hashable": (np.bool_, (n,)),
        }
        for name, (dtype, shape) in wanted.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(
                    f"{name} must be {np.dtype(dtype)} {shape}, got {array.dtype} {array.shape}"
                )

    def __len__(self) -> int:
        return len(self.hashable)

    @classmethod
    def of(cls, rows: Sequence[PictureHash]) -> Self:
        """The hashes of single pictures, in their order."""
        n = len(rows)
        gray, color = (n, THUMBNAIL_SIDE, THUMBNAIL_SIDE), (n, 2, TINT_SIDE, TINT_SIDE)
        return cls(
            np.array([row.phash for row in rows], dtype=np.uint64).reshape(n, ORIENTATIONS),
            np.array([row.dhash for row in rows], dtype=np.uint64).reshape(n, ORIENTATIONS),
            np.array([row.thumbnail for row in rows], dtype=np.uint8).reshape(gray),
            np.array([row.tint for row in rows], dtype=np.uint8).reshape(color),
            np.array([row.hashable for row in rows], dtype=np.bool_),
        )

    @classmethod
    def joined(cls, parts: Iterable[PictureHashes]) -> Self:
        """The rows of all parts, in their order."""
        every: list[PictureHashes] = [cls.of(()), *parts]
        return cls(
            np.concatenate([part.phash for part in every]),
            np.concatenate([part.dhash for part in every]),
            np.concatenate([part.thumbnails for part in every]),
            np.concatenate([part.tints for part in every]),
            np.concatenate([part.hashable for part in every]),
        )

    def take(self, rows: npt.NDArray[np.int64] | Sequence[int]) -> PictureHashes:
        """These rows alone, in the order given."""
        index = np.asarray(rows, dtype=np.int64)
        return PictureHashes(
            self.phash[index],
            self.dhash[index],
            self.thumbnails[index],
            self.tints[index],
            self.hashable[index],
        )


def hash_picture(image: Image.Image) -> PictureHash:
    """The hashes of a decoded picture of any mode and size; transparency is ignored."""
    import imagehash

    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    color = image if image.mode == "RGB" else image.convert("RGB")
    color = color.resize(side, Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP)
    gray = color.convert("L")
    turned = [gray if how is None else gray.transpose(how) for how in _ORIENTATIONS]
    phash = _packed([imagehash.phash(picture).hash for picture in turned])
    dhash = _packed([imagehash.dhash(picture).hash for picture in turned])
    thumbnail = np.array(gray, dtype=np.uint8)
    bits = int(np.bitwise_count(phash[0]))
    telling = _FEWEST_BITS <= bits <= _MOST_BITS
    hashable = telling and float(thumbnail.std()) >= _LOWEST_CONTRAST
    return PictureHash(phash, dhash, thumbnail, _tint(color), hashable)


def _tint(color: Image.Image) -> GrayArray:
    reduced = color.reduce(THUMBNAIL_SIDE // TINT_SIDE).convert("YCbCr")
    return np.ascontiguousarray(np.array(reduced, dtype=np.uint8)[:, :, 1:].transpose(2, 0, 1))


def _packed(hashes: Sequence[BoolArray]) -> HashArray:
    """uint64 [m] of m hashes of 64 bits each; the library's first bit is the highest."""
    octets = np.packbits(np.array(hashes).reshape(len(hashes), 64), axis=1)
    return octets.view(">u8").astype(np.uint64).reshape(-1)
