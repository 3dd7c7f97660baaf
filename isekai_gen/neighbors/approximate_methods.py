"""Which method of proposing candidates fits, and how to build it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal

from isekai_gen.neighbors.approximate_cells import build_cells
from isekai_gen.neighbors.approximate_faiss_lists import build_lists
from isekai_gen.neighbors.approximate_method import CandidateMethod
from isekai_gen.neighbors.approximate_rows import short_rows
from isekai_gen.neighbors.choosing import matrix_rate
from isekai_gen.neighbors.recall_truth import Sides
from isekai_gen.neighbors.rounding import fastest_dtype

MethodName = Literal["cells", "binary-ivf", "ivf-flat", "ivf-pq"]
# Share of the memory that rows in a short format may take, or would.
_MEMORY_SHARE = 0.5


def fitting_method(sides: Sides) -> MethodName:
    """Cells, unless the rows do not fit the memory.

    Cells are compared by blocked products at the full matrix rate, which inverted lists do not
    reach, but the rows of a cell come from all over the matrix: a CPU's memory has to hold them
    (mapped or not), a GPU's in a short format. Where it cannot, their signs (on a CPU) or product
    codes (on a GPU) fit, at about one bit per number.
    """
    import torch

    rows = sides.left.shape[0] + (0 if sides.right is None else sides.right.shape[0])
    wanted = rows * sides.left.shape[1] * fastest_dtype(sides.device).itemsize
    if sides.device == "cpu":
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return "cells" if wanted <= _MEMORY_SHARE * memory else "binary-ivf"
    free, _ = torch.cuda.mem_get_info(sides.device)
    return "cells" if wanted <= _MEMORY_SHARE * free else "ivf-pq"


def build_method(
    sides: Sides, floor: float, name: MethodName, seed: int
) -> tuple[Sides, CandidateMethod]:
    """Load the rows in the form that a method needs.

    Memory: for cells none on a CPU, and 2 bytes per number on a GPU; for lists see `build_lists`.

    Args:
        sides: What is compared.
        floor: Lowest similarity of a pair.
        name: The method.
        seed: Of samples that centers are made from.

    Returns:
        The sides, with rows that are loaded now, and the method.

    Raises:
        MissingDependencyError: If the method needs faiss and it is not installed.
    """
    if name != "cells":
        return sides, build_lists(sides, floor, name, seed)
    left = short_rows(sides.left, sides.device)
    right = None if sides.right is None else short_rows(sides.right, sides.device)
    per_product = sides.left.shape[1] / matrix_rate(sides.device)
    cells = build_cells(left, right, floor, seed=seed, seconds_per_product=per_product)
    return replace(sides, rounded=(left if right is None else right).held), cells
