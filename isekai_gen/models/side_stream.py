"""Let a GPU prepare the next micro-batch while it still draws the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Tensors = dict[str, "torch.Tensor"]


@contextmanager
def beside_the_drawing(device: torch.device) -> Iterator[Callable[[Tensors], Tensors]]:
    """Within the block, a GPU works in a second queue of its own.

    Copies to a GPU wait for all work in their queue; in the drawing's own, encoding the next
    prompts would wait for the pictures before, and the GPU then for the prompts.

    Args:
        device: Where the tensors are; nothing changes on a CPU.

    Yields:
        A function that hands tensors made in the block over to the drawing.
    """
    import torch

    if device.type != "cuda":
        yield lambda tensors: tensors
        return
    drawing = torch.cuda.current_stream(device)
    side = _side_stream(str(device))

    def hand_over(tensors: Tensors) -> Tensors:
        drawing.wait_stream(side)
        for tensor in tensors.values():
            # Their memory may be used again only after the drawing has read them.
            tensor.record_stream(drawing)
        return tensors

    with torch.cuda.stream(side):
        yield hand_over


@lru_cache(maxsize=16)
def _side_stream(device: str) -> torch.cuda.Stream:
    import torch

    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
