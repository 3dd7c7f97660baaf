"""Pillow's resizing of RGB pictures as matrix products, for a GPU; equal to the bit.

Pillow resizes in two passes, along rows and along columns, with a picture of 8 bits between them.
In each pass, a pixel is a weighted sum of those under a window, whose weights are whole numbers:
fractions of 2**22, rounded. So every sum is a whole number below 2**53, which float64 holds exactly
in whatever order a device adds; rounding and clipping to 0..255 come after it, as in Pillow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

ResizeFilter = Literal["bilinear", "bicubic"]
Weights = npt.NDArray[np.float64]

_ONE = 2.0**22
_CUBIC = -0.5


@dataclass(frozen=True, eq=False)
class ResizePasses:
    """Both passes of resizing pictures of one size to one other, or to a part of it.

    Attributes:
        columns: float64 [width wanted, width], from `pillow_weights`.
        rows: float64 [height wanted, height], likewise, on the same device.
        columns_first: Which pass comes first. Until version 12 of Pillow always that of columns,
            since then that of rows where the height shrinks more.
    """

    columns: torch.Tensor
    rows: torch.Tensor
    columns_first: bool

    def apply(self, pixels: torch.Tensor) -> torch.Tensor:
        """What Pillow makes of pictures.

        On the way a picture takes 8 bytes for each number of its own, and 8 for each that comes out
        of the first pass.

        Args:
            pixels: uint8 [n, height, width, 3], on the device of the weights.

        Returns:
            uint8 [n, height wanted, width wanted, 3], contiguous.
        """
        import torch

        planes = pixels.permute(0, 3, 1, 2).to(torch.float64, memory_format=torch.contiguous_format)
        if self.columns_first:
            made = _levels(self.rows @ _levels(planes @ self.columns.T))
        else:
            made = _levels(_levels(self.rows @ planes) @ self.columns.T)
        return made.to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _levels(sums: torch.Tensor) -> torch.Tensor:
    """Sums of a pass as levels 0..255, halves upwards; overwrites them."""
    return sums.add_(_ONE / 2).div_(_ONE).floor_().clamp_(0, 255)


def pillow_weights(given: int, wanted: int, resize_filter: ResizeFilter, part: range) -> Weights:
    """What each pixel along one side adds to each wanted one, in units of 2**-22.

    A window is centered where the wanted pixel lies. When a side shrinks, the window widens by as
    much, so that every pixel counts.

    Args:
        given: Pixels along the side, at least 1.
        wanted: Pixels along the resized side, at least 1.
        resize_filter: The window.
        part: Which of the wanted pixels; step 1.

    Returns:
        float64 [len(part), given], whole numbers.
    """
    reach, window = _WINDOWS[resize_filter]
    scale = given / wanted
    widening = max(scale, 1.0)
    support = reach * widening
    centers = (np.arange(part.start, part.stop) + 0.5) * scale
    first = np.maximum((centers - support + 0.5).astype(np.int64), 0)
    end = np.minimum((centers + support + 0.5).astype(np.int64), given)
    # As many as the widest window can cover; those beyond one's own end count for nothing.
    places = first[:, None] + np.arange(2 * math.ceil(support) + 1)
    inside = places < end[:, None]
    shares = window((places - centers[:, None] + 0.5) * (1.0 / widening)) * inside
    # One after the other, as Pillow adds them: in another order the sum may round otherwise.
    shares /= np.add.accumulate(shares, axis=1)[:, -1:]
    weights = np.zeros((len(part), given))
    row, _ = np.nonzero(inside)
    weights[row, places[inside]] = np.trunc(shares * _ONE + np.copysign(0.5, shares))[inside]
    return weights


def _bilinear(x: Weights) -> Weights:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _bicubic(x: Weights) -> Weights:
    """Keys' cubic convolution (1981) with a = -0.5."""
    x = np.abs(x)
    near = ((_CUBIC + 2.0) * x - (_CUBIC + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * _CUBIC
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


_WINDOWS: dict[ResizeFilter, tuple[float, Callable[[Weights], Weights]]] = {
    "bilinear": (1.0, _bilinear),
    "bicubic": (2.0, _bicubic),
}
