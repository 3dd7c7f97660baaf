"""Unit rows as 8-bit integers, whose products are exact sums at twice bfloat16's rate.

On a GPU a second 8 bits hold what the first ones leave over; they sift the candidates before the
CPU scores them.

Rows are first turned by one random rotation: the few large coordinates that encoders give would
otherwise take the whole range of 8 bits (Ashkboos et al., "QuaRot", 2024, turn networks for the
same reason). A rotation changes no similarity; what it and the rounding move is measured or bounded
and goes into the margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.bands import BAND_ROWS
from isekai_gen.neighbors.vectors import Vectors

if TYPE_CHECKING:
    import torch

_LEVELS = 127
REST_LEVELS = 2 * _LEVELS
_REFINED_PAIRS = 1 << 18
# Blocks that stay in the cache.
_CPU_BLOCK_ROWS = 1024
# The kernels read this many coordinates at a time; more are filled up with zeros.
COLUMN_STEP = 128
_FLOAT32_UNIT_ROUNDOFF = 2.0**-24
_ROTATION_SEED = 20231


Moved = TypeVar("Moved", float, npt.NDArray[np.float64])


@dataclass(frozen=True, eq=False)
class IntegerRows:
    """Rows scaled to 8-bit integers, in ascending order of their scales within each band.

    Sorting by scale gives the rows of a tile nearly one scale, so that one integer limit tells for
    a whole tile whether it can hold a candidate.

    Attributes:
        matrix: int8, shape (n, d filled up to a multiple of COLUMN_STEP).
        rest: int8, the same shape: what the rounding left over; shape (0, 0) if it was not kept.
        scales: float32, shape (n,): row i stands for matrix[i] * scales[i], and more closely for
            (matrix[i] + rest[i] / REST_LEVELS) * scales[i].
        rows: int32, shape (n,): which row of the vectors each one is.
        moved_rows: float32, shape (n,): no row of `matrix` lies further than its number from the
            exact, turned unit row.
        moved: The largest of them.
        moved_with_rest: The same with the rest.
    """

    matrix: torch.Tensor
    rest: torch.Tensor
    scales: torch.Tensor
    rows: torch.Tensor
    moved_rows: torch.Tensor
    moved: float
    moved_with_rest: float


def integer_rows(
    vectors: Vectors,
    device: str,
    band_rows: int = BAND_ROWS,
    *,
    loaded: torch.Tensor | None = None,
    keep_rest: bool = True,
) -> IntegerRows:
    """Turn, scale and round rows.

    Memory on the device is n (2 d + 12) bytes, n (d + 12) without the rest, and a few blocks.

    Args:
        vectors: n rows.
        device: Such as "cuda:0".
        band_rows: Rows are put in order within so many.
        loaded: The same rows where they lie on the device already, float32 [n, d].
        keep_rest: Whether candidates can be sifted by all 16 bits.
    """
    import torch

    count, dimensions = vectors.shape
    rotation, skew = _rotation(dimensions)
    turn = rotation.to(device)
    shape = (count, padded_width(dimensions))
    matrix = torch.zeros(shape, dtype=torch.int8, device=device)
    rest = torch.zeros(shape if keep_rest else (0, 0), dtype=torch.int8, device=device)
    scales = torch.empty(count, dtype=torch.float32, device=device)
    rows = torch.empty(count, dtype=torch.int32, device=device)
    errors = torch.zeros((2, count), dtype=torch.float32, device=device)
    step = _CPU_BLOCK_ROWS if device == "cpu" else band_rows
    for band in range(0, count, band_rows):
        end = min(band + band_rows, count)
        for start in range(band, end, step):
            stop = min(start + step, end)
            if loaded is None:
                block = torch.from_numpy(np.array(vectors.block(start, stop))).to(device)
            else:
                block = loaded[start:stop]
            scales[start:stop], levels, finer, errors[:, start:stop] = _levels(block, turn)
            matrix[start:stop, :dimensions] = levels
            if keep_rest:
                rest[start:stop, :dimensions] = finer
        scales[band:end], order = torch.sort(scales[band:end], stable=True)
        rows[band:end] = order.to(torch.int32) + band
        for held in (matrix, rest) if keep_rest else (matrix,):
            held[band:end] = held[band:end][order]
        errors[:, band:end] = errors[:, band:end][:, order]
    # The lengths are float32 sums, and so is this one.
    moved = (errors + _turning_error(dimensions, skew)) * (1.0 + 2.0**-9)
    once, twice = (float(each.max()) if count else 0.0 for each in moved)
    return IntegerRows(matrix, rest, scales, rows, moved[0].clone(), once, twice)


def _levels(
    block: torch.Tensor, turn: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scales [b], levels and finer levels int8 [b, d] of rows; how far either moves each [2, b]."""
    import torch

    lengths = torch.linalg.vector_norm(block, dim=1, keepdim=True, dtype=torch.float64)
    turned = (block * (1.0 / lengths).to(torch.float32)) @ turn
    scale = turned.abs().amax(dim=1) / _LEVELS
    turned /= scale[:, None]
    levels = turned.round().clamp_(-_LEVELS, _LEVELS)
    left_over = turned.sub_(levels)
    finer = (left_over * REST_LEVELS).round_().clamp_(-_LEVELS, _LEVELS)
    errors = [
        torch.linalg.vector_norm(error, dim=1) * scale
        for error in (left_over, left_over - finer / REST_LEVELS)
    ]
    return scale, levels.to(torch.int8), finer.to(torch.int8), torch.stack(errors)


def padded_width(dimensions: int) -> int:
    """Numbers of a row, filled up to whole steps of the kernels."""
    return -(-dimensions // COLUMN_STEP) * COLUMN_STEP


def integer_margin(left: IntegerRows, right: IntegerRows) -> float:
    """How far scale * scale * product can lie from the similarity; see `margin_of`."""
    return margin_of(left.moved, right.moved)


def margin_of(p: Moved, q: Moved) -> Moved:
    """How far scale * scale * product can lie from the similarity of rows that moved by p and q.

    See `rounding.product_margin`. The integer products are exact; scaling them rounds three times.
    """
    return p * (1.0 + q) + q + 2.0**-20


def refined_products(
    left: IntegerRows, i: torch.Tensor, right: IntegerRows, j: torch.Tensor
) -> torch.Tensor:
    """Similarities by all 16 bits, float32, shape (m,); `refined_margin` says how exact.

    Args:
        left: n rows.
        i: Shape (m,): places in `left`.
        right: k rows.
        j: Shape (m,): places in `right`.
    """
    import torch

    products = torch.empty(len(i), dtype=torch.float32, device=i.device)
    for start in range(0, len(i), _REFINED_PAIRS):
        part = slice(start, start + _REFINED_PAIRS)
        products[part] = _refined(left, i[part]).mul_(_refined(right, j[part])).sum(dim=1)
    return products


def refined_margin(left: IntegerRows, right: IntegerRows) -> float:
    """How far `refined_products` can lie from the similarity; see `rounding.product_margin`."""
    p, q = left.moved_with_rest, right.moved_with_rest
    summing = (left.matrix.shape[1] + 8) * _FLOAT32_UNIT_ROUNDOFF
    return p * (1.0 + q) + q + summing / (1.0 - summing) * (1.0 + p) * (1.0 + q)


def _refined(rows: IntegerRows, places: torch.Tensor) -> torch.Tensor:
    """The rows named from both matrices, float32 [m, d]."""
    chosen = places.long()
    fine = rows.rest[chosen].float().div_(REST_LEVELS).add_(rows.matrix[chosen])
    return fine.mul_(rows.scales[chosen, None])


def _rotation(dimensions: int) -> tuple[torch.Tensor, float]:
    """A random rotation as float32 [d, d], and how far it is from one.

    Returns:
        The matrix Q, and the Frobenius norm of Q'Q - 1, which bounds how much any similarity of
        unit vectors changes.
    """
    import torch

    numbers = np.random.default_rng(_ROTATION_SEED).standard_normal((dimensions, dimensions))
    rotation = np.linalg.qr(numbers)[0].astype(np.float32)
    exact = rotation.astype(np.float64)
    return torch.from_numpy(rotation), float(np.linalg.norm(exact.T @ exact - np.eye(dimensions)))


def _turning_error(dimensions: int, skew: float) -> float:
    """How far a unit row lies from where the exact rotation would put it.

    Each coordinate is a float32 sum of d products that err by at most d u / (1 - d u) of the sum of
    their absolute values, which is at most |q| |x| = 1 (Higham, section 3.1); d such coordinates
    move the row by sqrt(d) times that. Normalizing in float32 adds 3 u, division and products with
    the scale and the levels 4 u of a row of length 1.
    """
    summing = dimensions * _FLOAT32_UNIT_ROUNDOFF
    return (
        summing / (1.0 - summing) * float(np.sqrt(dimensions)) + 8 * _FLOAT32_UNIT_ROUNDOFF + skew
    )
