"""What each row of a band has found so far on a GPU, stage by stage of `gpu_nearest`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isekai_gen.neighbors.integer_rows import (
    COLUMN_STEP,
    REST_LEVELS,
    IntegerRows,
    integer_margin,
    refined_margin,
)

if TYPE_CHECKING:
    import torch

# Columns that every row of a band has room for; the few rows that more reach in one stage are gone
# over again by themselves, or one of them would decide how much memory all others take.
_ROOM = 2048
_WIDE_HITS = 1 << 26
_COUNTED_AT_ONCE = 8192
_GROUP = 8
_LAUNCH_COLUMNS = 32768
_REFINED_AT_ONCE = 32
_COMPARED_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class SeekingRows:
    """Rows that look for what is near them.

    Attributes:
        matrix: int8, shape (r, d filled up), as `IntegerRows` has it.
        rest: int8, the same shape.
        scales: float32, shape (r,).
    """

    matrix: torch.Tensor
    rest: torch.Tensor
    scales: torch.Tensor

    def some(self, places: torch.Tensor) -> SeekingRows:
        """The rows at these places."""
        return SeekingRows(self.matrix[places], self.rest[places], self.scales[places])


@dataclass(frozen=True, eq=False)
class Wanted:
    """What is looked for.

    Attributes:
        k: Nearest rows.
        floor: Pairs from here are wanted, too.
        margin: How far an estimate by 8 bits can lie from the similarity.
        refined_margin: How far one by 16 bits can.
    """

    k: int
    floor: float
    margin: float
    refined_margin: float

    @classmethod
    def of(cls, left: IntegerRows, right: IntegerRows, k: int, floor: float) -> Wanted:
        """With the margins of two matrices."""
        return cls(k, floor, integer_margin(left, right), refined_margin(left, right))


class FoundLists:
    """One list of columns a row, with a limit below which nothing can count any more.

    Attributes:
        rows: r rows.
        right: The columns.
        limits: float32, shape (r,): estimates below are of no interest.
        overflowed: int32, shape (r,): 1 where a list was too short once, so that it lacks columns;
            its limit holds all the same.
    """

    def __init__(self, rows: SeekingRows, right: IntegerRows, wanted: Wanted, room: int) -> None:
        import torch

        count, device = len(rows.matrix), rows.matrix.device
        self.rows, self.right, self._wanted, self._room = rows, right, wanted, room
        self.limits = torch.full((count,), -float("inf"), device=device)
        self.overflowed = torch.zeros(count, dtype=torch.int32, device=device)
        self._columns = torch.empty((count, room), dtype=torch.int32, device=device)
        self._similar = torch.empty((count, room), device=device)
        self.counts = torch.zeros(count, dtype=torch.int32, device=device)
        self._known = torch.zeros(count, dtype=torch.int32, device=device)

    @classmethod
    def of_band(cls, rows: SeekingRows, right: IntegerRows, wanted: Wanted) -> FoundLists:
        """Empty lists with the room that most rows need."""
        return cls(rows, right, wanted, max(_ROOM, 4 * wanted.k))

    def append(self, edge: int, column_end: int) -> None:
        """Append the columns edge..column_end that reach the limits, by 8 bits."""
        for start in range(edge, column_end, _LAUNCH_COLUMNS):
            self._launch_tiles(start, min(start + _LAUNCH_COLUMNS, column_end))

    def refine(self) -> None:
        """Put similarities by 16 bits in place of the new estimates."""
        from isekai_gen.neighbors import kernels_nearest

        if kernels_nearest.LEVELS.value != REST_LEVELS:
            raise RuntimeError("the kernel's levels are not those of the rows")
        kernels_nearest.refine_rows[(len(self.counts),)](
            self.rows.matrix,
            self.rows.rest,
            self.rows.scales,
            self.right.matrix,
            self.right.rest,
            self.right.scales,
            self._columns,
            self._similar,
            self._known,
            self.counts,
            self._room,
            DIMENSIONS=self.right.matrix.shape[1],
            STEP=COLUMN_STEP,
            PAIRS=_REFINED_AT_ONCE,
        )

    def tighten(self) -> None:
        """Raise the limits to what the k-th best of each list guarantees; drop what lies below."""
        from isekai_gen.neighbors import kernels_nearest

        kernels_nearest.tighten_rows[(len(self.counts),)](
            self._columns,
            self._similar,
            self._known,
            self.counts,
            self.limits,
            self.overflowed,
            self._room,
            self._wanted.k,
            self._wanted.margin,
            self._wanted.refined_margin,
            self._wanted.floor,
            BLOCK=_COMPARED_AT_ONCE,
        )

    def pairs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Places of rows and of columns, int64 [c] each, of the lists that lack none."""
        import torch

        counts = torch.where(self.overflowed == 1, 0, self.counts)
        most = int(counts.max())
        within = torch.arange(most, device=counts.device) < counts[:, None]
        places, at = torch.nonzero(within, as_tuple=True)
        return places, self._columns[places, at].long()

    def pairs_of_overflowed(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The same of the other rows, which are gone over again: counted first, then with room."""
        import torch

        for some in torch.split(torch.nonzero(self.overflowed)[:, 0], _COUNTED_AT_ONCE):
            if not len(some):
                return
            counts, order = torch.sort(self._again(some, 1).counts, descending=True)
            done = 0
            while done < len(some):
                room = int(counts[done])
                part = some[order[done : done + max(1, _WIDE_HITS // room)]]
                lists = self._again(part, room)
                lists.refine()
                lists.tighten()
                places, columns = lists.pairs()
                yield part[places], columns
                done += len(part)

    def _again(self, places: torch.Tensor, room: int) -> FoundLists:
        """Lists of these rows, filled from all columns by the limits they have."""
        lists = FoundLists(self.rows.some(places), self.right, self._wanted, room)
        lists.limits = self.limits[places]
        lists.append(0, len(self.right.matrix))
        return lists

    def _launch_tiles(self, edge: int, column_end: int) -> None:
        from triton.tools.tensor_descriptor import TensorDescriptor

        from isekai_gen.neighbors import kernels, kernels_nearest

        side = kernels.TILE
        tiles = [
            TensorDescriptor.from_tensor(matrix, [side, COLUMN_STEP])
            for matrix in (self.rows.matrix, self.right.matrix)
        ]
        count = len(self.counts)
        down, across = -(-count // side), -(-(column_end - edge) // side)
        kernels_nearest.nearest_tiles[(down * across,)](
            *tiles,
            self.rows.scales,
            self.right.scales,
            self.limits,
            self._columns,
            self._similar,
            self.counts,
            self._room,
            edge,
            count,
            column_end,
            down,
            across,
            DIMENSIONS=self.right.matrix.shape[1],
            STEP=COLUMN_STEP,
            SIDE=side,
            GROUP=_GROUP,
            num_warps=kernels.WARPS,
            num_stages=kernels.STAGES,
        )
