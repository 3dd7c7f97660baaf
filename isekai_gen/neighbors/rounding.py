"""Unit rows in a short format, and how far a product of two of them can be from the truth.

A search compares short, fast products with the floor less a margin, so that no pair at or above
the floor is missed. The margin is proved for the rows at hand: how far each row moved when it was
rounded is measured, and Cauchy-Schwarz does the rest.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.neighbors.vectors import Vectors

if TYPE_CHECKING:
    import torch

# On a CPU a block that stays in the cache takes a tenth of the time of one that does not.
_CPU_BLOCK_ROWS, _GPU_BLOCK_ROWS = 1024, 16384
# Rounding of one addition: 2^-24 to nearest; tensor cores truncate aligned terms, which costs at
# most four times that.
_ACCUMULATION_UNIT = 2.0**-22
# Normalizing in float32 moves a unit row by at most 3 * 2^-24; float32 rounding of what is stored
# and float64 rounding of what is compared stay below the rest.
_UNIT_ERROR = 2.0**-21
# The moved length is itself a float32 sum; this covers its rounding for up to 8,192 dimensions.
_MEASURING_ERROR = 1.0 + 2.0**-10


@dataclass(frozen=True, eq=False)
class RoundedRows:
    """Unit rows in bfloat16 or float32.

    Attributes:
        matrix: bfloat16 or float32, shape (n, d), contiguous, on one device.
        moved: No row lies further than this from the exact unit row.
    """

    matrix: torch.Tensor
    moved: float


def rounded_rows(vectors: Vectors, dtype: torch.dtype, device: str) -> RoundedRows:
    """The rows scaled to unit length and rounded.

    Reads `vectors` in blocks; memory is n * d numbers of `dtype`, and three blocks.

    Args:
        vectors: n rows.
        dtype: torch.bfloat16 or torch.float32.
        device: "cpu" or "cuda:0".
    """
    import torch

    count, dimensions = vectors.shape
    matrix = torch.empty((count, dimensions), dtype=dtype, device=device)
    moved = torch.zeros((), dtype=torch.float32, device=device)
    step = _CPU_BLOCK_ROWS if device == "cpu" else _GPU_BLOCK_ROWS
    for start in range(0, count, step):
        stop = min(start + step, count)
        block = torch.from_numpy(np.array(vectors.block(start, stop), dtype=np.float32)).to(device)
        lengths = torch.linalg.vector_norm(block, dim=1, keepdim=True, dtype=torch.float64)
        block *= (1.0 / lengths).to(torch.float32)
        matrix[start:stop] = block
        block -= matrix[start:stop].to(torch.float32)
        moved = torch.maximum(moved, torch.linalg.vector_norm(block, dim=1).max())
    return RoundedRows(matrix, float(moved) * _MEASURING_ERROR + _UNIT_ERROR)


def product_margin(left: RoundedRows, right: RoundedRows) -> float:
    """How far a float32-accumulated product of two rounded rows can lie from the similarity.

    With exact unit rows u, v, rounded rows x, y and |x - u| <= p, |y - v| <= q:
    |x.y - u.v| <= |x - u| |y| + |u| |y - v| <= p (1 + q) + q. The products of two bfloat16 numbers
    are exact in float32, those of two float32 numbers off by one rounding, and d sums in any order
    err by at most d (1 + eps) units of what the absolute terms sum to (Higham, "Accuracy and
    Stability of Numerical Algorithms", 2nd ed., section 3.1), which is at most (1 + p)(1 + q).
    """
    p, q, dimensions = left.moved, right.moved, left.matrix.shape[1]
    summing = (dimensions + 1) * _ACCUMULATION_UNIT
    return p * (1.0 + q) + q + summing / (1.0 - summing) * (1.0 + p) * (1.0 + q)


def lowest_product(floor: float, margin: float, dtype: torch.dtype) -> float:
    """The limit for products in `dtype` such that every pair at or above the floor reaches it.

    Rounding to `dtype` keeps order, so a sum at or above a number of `dtype` stays there.
    """
    import torch

    bound = torch.tensor(floor - margin, dtype=torch.float64)
    rounded = bound.to(dtype)
    if rounded.to(torch.float64) > bound:
        rounded = torch.nextafter(rounded, torch.tensor(-float("inf"), dtype=dtype))
    return float(rounded)


@functools.cache
def fastest_dtype(device: str) -> torch.dtype:
    """bfloat16 where its products are faster than float32's, else float32.

    On a CPU that depends on AVX-512 BF16 or AMX, so it is measured once, which takes well under a
    second; a GPU that Triton can use has bfloat16.
    """
    import torch

    if device != "cpu":
        return torch.bfloat16
    seconds = {dtype: product_seconds(dtype) for dtype in (torch.float32, torch.bfloat16)}
    return min(seconds, key=seconds.__getitem__)


def product_seconds(dtype: torch.dtype, rows: int = 1024, dimensions: int = 512) -> float:
    """Seconds of one product of two [rows, dimensions] matrices on the CPU; best of three."""
    import torch

    matrix = torch.ones((rows, dimensions), dtype=dtype)
    out = torch.empty((rows, rows), dtype=dtype)
    best = float("inf")
    for _ in range(4):  # the first also builds the kernel
        started = time.perf_counter()
        torch.mm(matrix, matrix.T, out=out)
        best = min(best, time.perf_counter() - started)
    return best
