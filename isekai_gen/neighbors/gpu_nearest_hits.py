"""Which columns reach the limits of the rows of a band: one stage of `gpu_nearest`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from isekai_gen.neighbors.integer_rows import COLUMN_STEP, IntegerRows

if TYPE_CHECKING:
    import torch

# Columns that every row of a band has room for in one stage; the few rows that more reach are gone
# over again by themselves, or one of them would decide how much memory all others take.
_ROOM = 2048
_WIDE_HITS = 1 << 26
_GROUP = 8
_LAUNCH_COLUMNS = 32768


@dataclass(frozen=True, eq=False)
class SeekingRows:
    """Rows that look for what is near them.

    Attributes:
        matrix: int8, shape (r, d filled up), as `IntegerRows` has it.
        scales: float32, shape (r,).
        limits: float32, shape (r,): estimates below are of no interest.
    """

    matrix: torch.Tensor
    scales: torch.Tensor
    limits: torch.Tensor

    def with_limits(self, limits: torch.Tensor) -> SeekingRows:
        """The same rows with other limits."""
        return replace(self, limits=limits)

    def some(self, places: torch.Tensor) -> SeekingRows:
        """The rows at these places."""
        return SeekingRows(self.matrix[places], self.scales[places], self.limits[places])


def hits_of(
    rows: SeekingRows, right: IntegerRows, columns: tuple[int, int]
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """What of some columns reaches the limits of rows, in 2^27 numbers of memory and a few copies.

    Args:
        rows: r rows.
        right: The columns.
        columns: First, and the one after the last.

    Yields:
        Places of rows [p]; their columns, int32 [p, c], and estimated similarities of these,
        float32 [p, c], -infinity where there is none. Every place comes once or, if it has many
        columns, twice: the first time with none.
    """
    import torch

    width = columns[1] - columns[0]
    room = width if columns[0] == 0 else min(_ROOM, width)
    found, estimates, counts = _hits(rows, right, columns, room)
    wide = torch.nonzero(counts > room)[:, 0]
    estimates[wide] = -float("inf")
    most = int(counts.max())
    everyone = torch.arange(len(rows.matrix), device=counts.device)
    yield everyone, found[:, : min(room, most)], estimates[:, : min(room, most)]
    for some in torch.split(wide, max(1, _WIDE_HITS // most)):
        if len(some):
            yield some, *_hits(rows.some(some), right, columns, most)[:2]


def _hits(
    rows: SeekingRows, right: IntegerRows, columns: tuple[int, int], room: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Columns and estimates [r, room], and how many reach a row, also beyond its room [r]."""
    import torch

    count, device = len(rows.matrix), rows.matrix.device
    found = torch.full((count, room), -1, dtype=torch.int32, device=device)
    estimates = torch.full((count, room), -float("inf"), device=device)
    counts = torch.zeros(count, dtype=torch.int32, device=device)
    for edge in range(*columns, _LAUNCH_COLUMNS):
        part = (edge, min(edge + _LAUNCH_COLUMNS, columns[1]))
        _launch(rows, right, part, (found, estimates, counts))
    return found, estimates, counts


def _launch(
    rows: SeekingRows,
    right: IntegerRows,
    columns: tuple[int, int],
    found: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    from triton.tools.tensor_descriptor import TensorDescriptor

    from isekai_gen.neighbors import kernels

    side = kernels.TILE
    tiles = [
        TensorDescriptor.from_tensor(matrix, [side, COLUMN_STEP])
        for matrix in (rows.matrix, right.matrix)
    ]
    edge, column_end = columns
    count = len(rows.matrix)
    down, across = -(-count // side), -(-(column_end - edge) // side)
    kernels.nearest_tiles[(down * across,)](
        *tiles,
        rows.scales,
        right.scales,
        rows.limits,
        *found,
        found[0].shape[1],
        edge,
        count,
        column_end,
        down,
        across,
        DIMENSIONS=right.matrix.shape[1],
        STEP=COLUMN_STEP,
        SIDE=side,
        GROUP=_GROUP,
        num_warps=kernels.WARPS,
        num_stages=kernels.STAGES,
    )
