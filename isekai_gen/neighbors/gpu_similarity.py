"""The similarity that decides, on a GPU: the bits of `similarity`, for millions of pairs.

CUDA's float64 products, sums, quotients and square roots are correctly rounded (CUDA C++
Programming Guide, "Mathematical Functions"), as numpy's are; torch's square roots on a CPU are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def device_similarities(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """`similarity.pair_similarities` on a GPU, to the bit.

    Args:
        left: float32, shape (m, d).
        right: float32, shape (m, d).

    Returns:
        float64, shape (m,).
    """
    import torch

    lengths = torch.sqrt(inner_products(left, left) * inner_products(right, right))
    return torch.clamp(inner_products(left, right) / lengths, -1.0, 1.0)


def inner_products(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Inner products of rows, float64 [m], summed in the order of `similarity`."""
    terms = left.double() * right.double()
    width = terms.shape[1]
    while width > 1:
        half = (width + 1) // 2
        terms[:, : width - half] += terms[:, half:width]
        width = half
    return terms[:, 0]
