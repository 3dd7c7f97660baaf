"""Prepare an encoder's pictures on its GPU: uploaded as they are, resized there by the batch.

Threads that decode are spared the resizing. The result is equal to the bit to what Pillow gives
(`Preparation.resized`): each size of pictures is first tried on noise, and left to Pillow where
there is any difference.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_batches import new_batch
from isekai_gen.models.encoder_pictures import Preparation
from isekai_gen.models.encoder_protocols import PreparedPicture
from isekai_gen.models.encoder_resize import ResizeFilter, ResizePasses, pillow_weights

if TYPE_CHECKING:
    import torch

_MOST_PIXELS = 1024 * 1024
"""Of a picture that waits for its batch as it is; larger ones are resized by Pillow before.

At 3 MiB a picture, the three batches of 256 and the two pictures for each of 16 threads that are in
memory at most (`decoding_ahead.batches_ahead`) are 2.4 GiB.
"""
_LONGEST_SIDE = 4096
"""Of such a picture; weights take memory in proportion to it."""
_MOST_SIZES = 16
"""Different sizes that are resized on the device, the first ones that come.

Where every picture has its own size there is nothing to do by the batch.
"""
_UPLOAD_BYTES = 32 * 2**20
"""Of pictures that are uploaded at once, from pinned memory; the device takes 12 times as much."""


class DeviceResizing:
    """Resizes pictures of an encoder on its device."""

    def __init__(
        self, preparation: Preparation, device: torch.device, shape: tuple[int, ...]
    ) -> None:
        """For a preparation that `can_resize_on_device`.

        Args:
            preparation: How the encoder's pictures are prepared.
            device: Of the encoder.
            shape: Of a prepared picture: height, width, 3.
        """
        self._preparation = preparation
        self._device = device
        self._shape = shape
        self._passes: dict[tuple[int, int], ResizePasses | None] = {}
        self._trying = threading.Lock()

    def takes(self, image: Image.Image) -> bool:
        """Whether `batch` resizes pictures of this one's size; may be called from any thread."""
        size = image.height, image.width
        # A picture of the shape of a prepared one could not be told from one.
        if size == self._shape[:2] or max(size) > _LONGEST_SIDE or size[0] * size[1] > _MOST_PIXELS:
            return False
        with self._trying:
            if size not in self._passes and len(self._passes) < _MOST_SIZES:
                self._passes[size] = _passes(self._preparation, size, self._device)
            return self._passes.get(size) is not None

    def batch(self, pictures: Sequence[PreparedPicture], rows: int) -> torch.Tensor:
        """Pictures as the encoder wants them, uint8 [rows, *shape], on the device.

        Args:
            pictures: At least 1; prepared, or whole ones of sizes that `takes` admitted.
            rows: At least as many; those beyond them repeat the first.

        Raises:
            ModelError: If the device runs out of memory.
        """
        import torch

        places_by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, picture in enumerate(pictures):
            places_by_shape[picture.shape].append(place)
        try:
            with torch.inference_mode():
                batch = torch.empty((rows, *self._shape), dtype=torch.uint8, device=self._device)
                for shape, places in places_by_shape.items():
                    at_once = max(1, _UPLOAD_BYTES // int(np.prod(shape)))
                    for start in range(0, len(places), at_once):
                        self._fill(batch, pictures, places[start : start + at_once])
                batch[len(pictures) :] = batch[0]
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"out of memory on {self._device} when resizing {len(pictures)} pictures; use a "
                "smaller encoder or a device with more memory"
            ) from error
        return batch

    def _fill(
        self, batch: torch.Tensor, pictures: Sequence[PreparedPicture], places: Sequence[int]
    ) -> None:
        """Upload pictures of one shape, and put them resized where they belong."""
        import torch

        shape = pictures[places[0]].shape
        waiting = new_batch(self._device, shape, torch.uint8, len(places))
        filled = waiting.numpy()
        for row, place in enumerate(places):
            filled[row] = pictures[place]
        made = waiting.to(self._device, non_blocking=True)
        if shape != self._shape:
            passes = self._passes[shape[0], shape[1]]
            if passes is None:
                raise ValueError(f"pictures of shape {shape} were not admitted")
            made = passes.apply(made)
        index = torch.tensor(places).to(self._device, non_blocking=True)
        batch.index_copy_(0, index, made)


def can_resize_on_device(preparation: Preparation) -> bool:
    """Whether pictures are prepared by torchvision's Resize, and CenterCrop after it, alone."""
    from torchvision.transforms import CenterCrop, Resize

    kinds = [type(step) for step in preparation.steps]
    if kinds not in ([Resize], [Resize, CenterCrop]):
        return False
    return _filter_of(preparation) is not None


def _filter_of(preparation: Preparation) -> ResizeFilter | None:
    from torchvision.transforms import InterpolationMode

    resize: Any = preparation.steps[0]
    filters: dict[InterpolationMode, ResizeFilter] = {
        InterpolationMode.BILINEAR: "bilinear",
        InterpolationMode.BICUBIC: "bicubic",
    }
    return filters.get(resize.interpolation)


def _passes(
    preparation: Preparation, size: tuple[int, int], device: torch.device
) -> ResizePasses | None:
    """The passes over pictures of a height and width that give noise its bits, if any do."""
    import torch

    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    expected = torch.from_numpy(preparation.resized(image))
    resized = preparation.steps[0](image)
    resize_filter = _filter_of(preparation)
    wanted = expected.shape[:2]
    if resize_filter is None or wanted[0] > resized.height or wanted[1] > resized.width:
        return None
    rows, columns = (
        torch.from_numpy(pillow_weights(given, whole, resize_filter, _middle(whole, kept)))
        for given, whole, kept in zip(size, (resized.height, resized.width), wanted, strict=True)
    )
    for columns_first in (True, False):
        passes = ResizePasses(columns, rows, columns_first)
        if torch.equal(passes.apply(torch.from_numpy(noise)[None])[0], expected):
            return ResizePasses(columns.to(device), rows.to(device), columns_first)
    return None


def _middle(whole: int, kept: int) -> range:
    """Where torchvision's CenterCrop cuts."""
    start = round((whole - kept) / 2.0)
    return range(start, start + kept)
