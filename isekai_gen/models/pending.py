"""From a pipeline's tensor on a device to pictures in memory, while the device goes on.

Pictures become bytes on the device: a quarter of what diffusers' own float32 pictures would be to
copy, and the copy runs beside the next micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isekai_gen.models.spec import DrawnImage, DrawRequest, Pixels

if TYPE_CHECKING:
    import torch

# A picture whose pixels vary by less than one step of 255 shows nothing.
_MIN_STANDARD_DEVIATION = 1.0
NOT_FINITE = "not finite"
CONSTANT = "constant picture"

FlagPictures = Callable[[npt.NDArray[np.uint8]], Sequence[bool]]
"""Pictures uint8 [n, height, width, 3] to whether a safety checker flags each."""


@dataclass(frozen=True)
class PendingDraw:
    """A micro-batch that was given to the device (`spec.PendingDraw`).

    Attributes:
        requests: What was asked for, in the caller's order.
        pixels: uint8 [rows, height, width, 3], perhaps still on its way.
        finite: bool [rows]: whether every value of a row was a number.
        flat: bool [rows]: whether a row shows nothing.
        arrived: Waits until all are there.
        flags: The model's safety checker, or None.
    """

    requests: Sequence[DrawRequest]
    pixels: torch.Tensor
    finite: torch.Tensor
    flat: torch.Tensor
    arrived: Callable[[], Any]
    flags: FlagPictures | None

    def result(self) -> list[DrawnImage]:
        """Wait for the pictures; one result per request, in their order."""
        self.arrived()
        pixels = self.pixels.numpy()
        flags = self.flags(pixels) if self.flags is not None else None
        return [self._judged(request.row, pixels[request.row], flags) for request in self.requests]

    def _judged(self, row: int, pixels: Pixels, flags: Sequence[bool] | None) -> DrawnImage:
        """The result for one row: its pixels, or why it failed."""
        flag = flags[row] if flags is not None else None
        if not self.finite[row]:
            return DrawnImage(row, None, NOT_FINITE, flag)
        if self.flat[row]:
            return DrawnImage(row, None, CONSTANT, flag)
        return DrawnImage(row, pixels, "", flag)


def send_to_host(
    images: torch.Tensor, requests: Sequence[DrawRequest], flags: FlagPictures | None
) -> PendingDraw:
    """Turn float pictures into bytes and start copying them to the host.

    Args:
        images: Any float type [rows, 3, height, width] in [0, 1], on any device.
        requests: What the rows were drawn for.
        flags: The model's safety checker, or None.
    """
    import torch

    finite = torch.isfinite(images).flatten(1).all(dim=1)
    levels = (torch.nan_to_num(images.float()) * 255).round().clamp(0, 255)
    flat = levels.flatten(1).std(dim=1, correction=0) < _MIN_STANDARD_DEVIATION
    pixels = levels.to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    if pixels.device.type == "cpu":
        return PendingDraw(requests, pixels, finite, flat, lambda: None, flags)
    to_host = _start_copy(pixels), _start_copy(finite), _start_copy(flat)
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record(torch.cuda.current_stream(pixels.device))
    return PendingDraw(requests, *to_host, copied.synchronize, flags)


def _start_copy(tensor: torch.Tensor) -> torch.Tensor:
    """The host's memory that a tensor will be in when the device comes to the copy."""
    import torch

    host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return host.copy_(tensor, non_blocking=True)
