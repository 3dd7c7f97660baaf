"""The plain way that a search has to beat, and how fast this machine multiplies matrices."""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch
from near_duplicate_measure import Found, Meter, Rows, Task, rescored

# About 50 times a typical error of these products, yet below the worst case: that is what a plain
# prototype does, and one reason not to trust one.
_MARGIN = 0.0065
_NOTHING = np.zeros(0, dtype=np.int64)


def bf16_blocks(task: Task, meter: Meter) -> Found:
    """bfloat16 products of 1024 x 16384 rows, maxima by row, candidates scored in float32.

    Options: rows=1024, columns=16384, device=cpu.
    """
    loaded = task.load()
    device = task.options.get("device", "cpu")
    height, width = task.count("rows", 1024), task.count("columns", 16384)
    low = task.floor - _MARGIN
    with meter:
        matrix = torch.from_numpy(loaded).to(device=device, dtype=torch.bfloat16)
        parts = []
        for top in range(0, len(matrix), height):
            for left in range(top, len(matrix), width):
                products = matrix[top : top + height] @ matrix[left : left + width].T
                reached = torch.nonzero(products.amax(dim=1) >= low)[:, 0]
                within, columns = torch.nonzero(products[reached] >= low, as_tuple=True)
                first, second = reached[within] + top, columns + left
                ahead = first < second
                parts.append((first[ahead].cpu().numpy(), second[ahead].cpu().numpy()))
        one, other = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Found(*rescored(loaded, one, other, task.floor))


def sampled_rows(task: Task, meter: Meter) -> Found:
    """All pairs of some random rows, by float32 products: a check on whatever lists all pairs.

    Options: rows=4000.
    """
    rows = task.load()
    chosen = sample_of(len(rows), task.count("rows", 4000))
    parts: list[tuple[Rows, Rows]] = []
    with meter:
        for start in range(0, len(chosen), 500):
            part = chosen[start : start + 500]
            for left in range(0, len(rows), 65536):
                products = rows[part] @ rows[left : left + 65536].T
                hit_rows = np.flatnonzero(products.max(axis=1) >= task.floor)
                within, columns = np.nonzero(products[hit_rows] >= task.floor)
                parts.append((part[hit_rows[within]], columns + left))
    first, second = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Found(first, second)


def sample_of(count: int, wanted: int) -> Rows:
    """The rows that `sampled_rows` looks at, ascending."""
    draw = np.random.default_rng(4000)
    return np.sort(draw.choice(count, size=min(wanted, count), replace=False))


def matrix_rate(task: Task, meter: Meter) -> Found:
    """How fast 4096 x 512 by 512 x 8192 products are made, and what the pairs alone would need.

    The rate is the median over 5 seconds of products. Options: device=cpu.
    """
    device = task.options.get("device", "cpu")
    count, dimensions = np.load(task.path, mmap_mode="r").shape
    notes: dict[str, object] = {}
    with meter:
        for name in ("bfloat16", "float32"):
            rate = _rate(getattr(torch, name), device)
            notes[f"{name}_gflops"] = round(rate / 1e9, 1)
            notes[f"{name}_triangle_s"] = round(count * (count - 1) * dimensions / rate, 3)
    return Found(_NOTHING, _NOTHING, notes=notes)


def _rate(dtype: torch.dtype, device: str, seconds: float = 5.0) -> float:
    """Operations a second; a product of n x d by d x m counts as 2 n m d."""
    shape = (4096, 8192, 512)
    left = torch.randn(shape[0], shape[2], device=device, dtype=dtype)
    right = torch.randn(shape[1], shape[2], device=device, dtype=dtype)
    spent: list[float] = []
    _timed_product(left, right)
    while sum(spent) < seconds:
        spent.append(_timed_product(left, right))
    return 2 * shape[0] * shape[1] * shape[2] / statistics.median(spent)


def _timed_product(left: torch.Tensor, right: torch.Tensor) -> float:
    started = time.perf_counter()
    left @ right.T
    if left.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - started
