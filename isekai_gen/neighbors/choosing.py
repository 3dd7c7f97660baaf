"""Whether to search exactly: a time estimate from this machine's measured rate."""

from __future__ import annotations

import functools
import time
from typing import Literal

from isekai_gen.neighbors.byte_blocks import byte_seconds
from isekai_gen.neighbors.engines import takes_bytes
from isekai_gen.neighbors.rounding import fastest_dtype, product_seconds

# Up to this long an exact search is worth its certainty.
_EXACT_BUDGET_SECONDS = 300.0
# What an exact search takes beside its products: reading, looking for hits, scoring them.
_OVERHEAD = 1.25
_ROWS, _DIMENSIONS = 1024, 512
_GPU_ROWS = 8192


def choose_mode(
    n: int, d: int, m: int | None, device: str, floor: float, rate: float | None = None
) -> tuple[Literal["exact", "approximate"], str]:
    """Exact, unless that would take over 300 seconds.

    Args:
        n: Rows.
        d: Numbers of a row.
        m: Rows of the other matrix; None for pairs within one, half as many.
        device: "cpu" or "cuda:0".
        floor: Lowest similarity asked for.
        rate: Multiplications per second in large products; None measures it.

    Returns:
        The mode, and why, one line for people.
    """
    seconds = exact_seconds(n, d, m, exact_rate(floor, device) if rate is None else rate)
    compared = f"{n:,} rows" if m is None else f"{n:,} x {m:,} rows"
    said = f"exact search of {compared} would take about {_said(seconds)} on {device}"
    if seconds <= _EXACT_BUDGET_SECONDS:
        return "exact", f"{said}, within {_EXACT_BUDGET_SECONDS:.0f} s"
    return "approximate", f"{said}, over {_EXACT_BUDGET_SECONDS:.0f} s"


def exact_seconds(n: int, d: int, m: int | None, rate: float) -> float:
    """What an exact search is expected to take; arguments are those of `choose_mode`."""
    pairs = float(n) * n / 2.0 if m is None else float(n) * m
    return pairs * d / rate * _OVERHEAD


def exact_rate(floor: float, device: str) -> float:
    """Multiplications per second of a product in the format that exact searches use there."""
    if takes_bytes(floor, device):
        return _ROWS * _ROWS * _DIMENSIONS / byte_seconds(_ROWS, _DIMENSIONS)
    return matrix_rate(device)


@functools.cache
def matrix_rate(device: str) -> float:
    """Multiplications per second of a product in the format that approximate searches use there.

    Takes well under a second, once.

    Args:
        device: "cpu" or "cuda:0".
    """
    if device == "cpu":
        seconds = product_seconds(fastest_dtype(device), _ROWS, _DIMENSIONS)
        return _ROWS * _ROWS * _DIMENSIONS / seconds
    return _GPU_ROWS * _GPU_ROWS * _DIMENSIONS / _gpu_seconds(device)


def _gpu_seconds(device: str) -> float:
    import torch

    rows = torch.ones((_GPU_ROWS, _DIMENSIONS), dtype=fastest_dtype(device), device=device)
    best = float("inf")
    for _ in range(4):  # the first also loads the library
        torch.cuda.synchronize(device)
        started = time.perf_counter()
        rows @ rows.T
        torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - started)
    return best


def _said(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 100 else f"{seconds:,.0f} s"
