"""What one way of searching costs: wall time, processor time, what others used, and peak memory.

Imports nothing heavy, so that a peer's own Python can use it.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Array = npt.NDArray[np.float32]
Figures = dict[str, Any]
"""What is known of one run, by name, ready for JSON."""


@dataclass(frozen=True)
class Task:
    """What one way of searching is asked for.

    Attributes:
        path: float32 .npy file of unit rows.
        floor: Lowest similarity wanted.
        options: The way's own settings, by name.
        folder: Where it may write.
    """

    path: Path
    floor: float
    options: Mapping[str, str]
    folder: Path

    def load(self) -> Array:
        """All rows, in memory."""
        rows: Array = np.load(self.path)
        return rows

    def count(self, name: str, default: int) -> int:
        """A whole-number setting."""
        return int(self.options.get(name, default))


@dataclass(frozen=True, eq=False)
class Found:
    """Pairs that a way of searching lists.

    Attributes:
        first: int64 [m], the lower row of each pair.
        second: int64 [m], the higher row.
        similarity: float32 [m], or None where a way gives none.
        notes: What else it says of itself.
    """

    first: Rows
    second: Rows
    similarity: Array | None = None
    notes: Mapping[str, object] = field(default_factory=dict)


class Meter:
    """Measures what happens inside its `with` block.

    Attributes:
        usage: Figures by name, after the block.
    """

    def __init__(self) -> None:
        self.usage: dict[str, float] = {}

    def __enter__(self) -> Meter:
        self._busy, self._own = _busy_seconds(), _own_seconds()
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        wall = time.perf_counter() - self._started
        own, busy = _own_seconds() - self._own, _busy_seconds() - self._busy
        self.usage = {
            "seconds": wall,
            "cpu_seconds": own,
            "other_cpu_seconds": max(0.0, busy - own),
            "peak_mib": max(_own_peak(), _children_peak()),
        }


def _own_seconds() -> float:
    mine = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in mine)


def _busy_seconds() -> float:
    """Seconds that all processors of the machine together were not idle."""
    user, nice, system, _, _, interrupt, soft = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + interrupt + soft) / os.sysconf("SC_CLK_TCK")


def _own_peak() -> float:
    # Not ru_maxrss, which also counts the parent that this process was forked from.
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _children_peak() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def rescored(rows: Array, first: Rows, second: Rows, floor: float) -> tuple[Rows, Rows, Array]:
    """The candidates that reach the floor in float32, each scored by itself."""
    similarity = np.empty(len(first), dtype=np.float32)
    for start in range(0, len(first), 1 << 16):
        part = slice(start, start + (1 << 16))
        similarity[part] = np.einsum("ij,ij->i", rows[first[part]], rows[second[part]])
    reached = similarity >= floor
    return first[reached], second[reached], similarity[reached]


def lower_first(first: Rows, second: Rows) -> tuple[Rows, Rows]:
    """Each pair of different rows once, the lower row first."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    base = int(high.max(initial=0)) + 1
    keys = np.unique((low * base + high)[low < high])
    return keys // base, keys % base
