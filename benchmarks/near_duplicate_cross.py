"""isekai-gen's search of a reference set: nearest references, and all pairs above a floor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from near_duplicate_measure import Array, Figures, Found, Meter, Rows, Task
from near_duplicate_ours import WARM_UP_ROWS, device_memory

if TYPE_CHECKING:
    from isekai_gen.neighbors.nearest import NearestRows

_NEAREST = 10
_CHECKED = 1000


def cross_join(task: Task, meter: Meter) -> Found:
    """The 10 nearest references of every row, and all pairs at or above the floor.

    Some rows are checked against plain products afterwards.
    Options: against=PATH of the references, device=cpu.
    """
    import torch  # noqa: F401 - imports are left out of every way's time

    from isekai_gen.neighbors.nearest import search_nearest
    from isekai_gen.neighbors.vectors import ArrayVectors

    queries = task.load()
    references: Array = np.load(Path(task.options["against"]))
    device = task.options.get("device", "cpu")

    def search(rows: Array, others: Array) -> NearestRows:
        left, right = ArrayVectors(rows), ArrayVectors(others)
        return search_nearest(left, right, _NEAREST, task.floor, device=device)

    if device != "cpu":
        search(queries[:WARM_UP_ROWS], references[:WARM_UP_ROWS])
    with meter:
        matches = search(queries, references)
    pairs = matches.pairs
    chosen = np.random.default_rng(0).choice(len(queries), min(_CHECKED, len(queries)), False)
    expected, nearest = _plainly(queries[chosen], references, task.floor)
    listed = pairs.row_a * len(references) + pairs.row_b
    wanted = chosen[expected[0]] * len(references) + expected[1]
    notes: Figures = {
        "references": len(references),
        "pairs": len(pairs),
        "checked_rows": len(chosen),
        "checked_pairs": len(wanted),
        "not_listed": len(np.setdiff1d(wanted, listed)),
        "largest_error_of_nearest": float(np.abs(nearest - matches.similarities[chosen]).max()),
        **device_memory(device),
    }
    return Found(pairs.row_a, pairs.row_b, pairs.similarity, notes)


def _plainly(queries: Array, references: Array, floor: float) -> tuple[tuple[Rows, Rows], Array]:
    """Pairs at or above the floor, and the highest similarities, by float32 products."""
    best = np.full((len(queries), _NEAREST), -2, dtype=np.float32)
    first, second = [], []
    for start in range(0, len(references), 65536):
        products = queries @ references[start : start + 65536].T
        rows, columns = np.nonzero(products >= floor)
        first.append(rows)
        second.append(columns + start)
        together = np.concatenate([best, products], axis=1)
        best = -np.sort(-np.partition(together, -_NEAREST, axis=1)[:, -_NEAREST:], axis=1)
    return (np.concatenate(first), np.concatenate(second)), best
