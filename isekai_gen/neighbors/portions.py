"""How many rows a search holds at a time, so that matrices of any size can be compared.

What a search holds in its own format is bounded: 256 MiB on the CPU, half of what is free on a GPU.
Where both matrices fit they are loaded once; otherwise a portion of the first is compared with one
portion of the other after the other. No result depends on that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from isekai_gen.neighbors.vectors import Portion, Vectors

Rows = TypeVar("Rows")
_CPU_BYTES = 256 << 20
_GPU_SHARE = 0.5


@dataclass(frozen=True)
class PortionSizes:
    """Rows held at a time.

    Attributes:
        left: Of the first matrix, whole bands unless it is all of it.
        right: Of the other one.
    """

    left: int
    right: int


def rows_that_fit(row_bytes: int, device: str) -> int:
    """How many rows a search may hold.

    Args:
        row_bytes: What a row takes in the search's format.
        device: "cpu" or "cuda:0".
    """
    if device == "cpu":
        return _CPU_BYTES // row_bytes
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return int(free * _GPU_SHARE) // row_bytes


def portion_sizes(count: int, others: int, fitting: int, step: int) -> PortionSizes:
    """How to share the room for rows between two matrices.

    Args:
        count: Rows of the first matrix.
        others: Rows of the other one; 0 for pairs within the first.
        fitting: Rows of both that may be held; at least 2 * `step` are.
        step: Rows of a band.
    """
    if count + others <= fitting:
        return PortionSizes(count, others)
    half = max(1, fitting // 2 // step) * step
    if 0 < others <= half:
        return PortionSizes(max(1, (fitting - others) // step) * step, others)
    left = min(count, half)
    return PortionSizes(left, max(step, fitting - left))


@dataclass
class HeldRows(Generic[Rows]):
    """The rows of one matrix that were loaded last.

    Attributes:
        vectors: The matrix.
        load: Brings rows into a search's format.
    """

    vectors: Vectors
    load: Callable[[Vectors], Rows]
    _held: tuple[int, int, Rows] | None = None

    def portion(self, start: int, stop: int) -> Rows:
        """The rows start..stop; those held before are given up first."""
        if self._held is None or self._held[:2] != (start, stop):
            self._held = None
            self._held = (start, stop, self.load(Portion(self.vectors, start, stop)))
        return self._held[2]
