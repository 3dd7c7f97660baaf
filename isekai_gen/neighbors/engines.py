"""What proposes candidates in an exact search: one way for each kind of device.

Every engine proposes all pairs whose similarity may reach the floor, and some that do not; which do
is decided by `similarity`, so that all engines give the same pairs. Within one matrix every engine
proposes a pair in the band of its lower row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from isekai_gen.neighbors.bands import BAND_ROWS
from isekai_gen.neighbors.blocks import block_candidates
from isekai_gen.neighbors.byte_blocks import byte_candidates, bytes_pay
from isekai_gen.neighbors.gpu_join import FIRST_CAPACITY, TileJoin, has_triton, plain_candidates
from isekai_gen.neighbors.integer_rows import IntegerRows, integer_rows, padded_width
from isekai_gen.neighbors.rounding import RoundedRows, fastest_dtype, rounded_rows
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.neighbors.small import SmallBlocks, is_small
from isekai_gen.neighbors.vectors import Vectors

if TYPE_CHECKING:
    import torch

IndexPairs = tuple[IndexArray, IndexArray]
# The margin of 8 bits is about 0.015: below, it would let many more candidates through.
_LEAST_BYTE_FLOOR = 0.8
Rows = TypeVar("Rows")


class Engine(Protocol[Rows]):
    """Proposes candidates band by band, from rows in a format of its own."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def row_bytes(self, dimensions: int) -> int:
        """What a loaded row takes on the device."""
        ...

    def load(self, vectors: Vectors) -> Rows:
        """All rows in this engine's format."""
        ...

    def candidates(
        self, left: Rows, right: Rows | None, start: int, stop: int
    ) -> Iterator[IndexPairs]:
        """Candidates of one band.

        Args:
            left: n rows.
            right: m rows, or None for pairs within `left`.
            start: First row of the band.
            stop: Row after its last one.

        Yields:
            int64 arrays of rows of `left` and of `right`; within one matrix the lower row first.
        """
        ...


@dataclass(frozen=True, eq=False)
class ProductBlocks:
    """Blocked products by torch, on the CPU or on a GPU without Triton.

    Attributes:
        floor: Lowest similarity asked for.
        dtype: torch.bfloat16 or torch.float32.
        device: "cpu" or "cuda:0".
    """

    floor: float
    dtype: torch.dtype
    device: str

    @property
    def name(self) -> str:
        short = str(self.dtype).removeprefix("torch.")
        return f"{short} blocks on {self.device}"

    def row_bytes(self, dimensions: int) -> int:
        return dimensions * self.dtype.itemsize

    def load(self, vectors: Vectors) -> RoundedRows:
        return rounded_rows(vectors, self.dtype, self.device)

    def candidates(
        self, left: RoundedRows, right: RoundedRows | None, start: int, stop: int
    ) -> Iterator[IndexPairs]:
        return product_candidates(left, right, self.floor, start, stop)


def product_candidates(
    left: RoundedRows, right: RoundedRows | None, floor: float, start: int, stop: int
) -> Iterator[IndexPairs]:
    """Candidates by blocked products, wherever the rows are; see `blocks.block_candidates`."""
    propose = plain_candidates if left.matrix.is_cuda else block_candidates
    return propose(left, right, floor, start, stop)


@dataclass(frozen=True, eq=False)
class ByteBlocks:
    """Blocked products of 8-bit integers on the CPU.

    Attributes:
        floor: Lowest similarity asked for.
        band_rows: Rows of a band; within each, rows are held in another order.
        name: For people.
    """

    floor: float
    band_rows: int = BAND_ROWS
    name: str = "8-bit blocks on cpu"

    def row_bytes(self, dimensions: int) -> int:
        return padded_width(dimensions) + 12

    def load(self, vectors: Vectors) -> IntegerRows:
        return integer_rows(vectors, "cpu", self.band_rows, keep_rest=False)

    def candidates(
        self, left: IntegerRows, right: IntegerRows | None, start: int, stop: int
    ) -> Iterator[IndexPairs]:
        return byte_candidates(left, right, self.floor, start, stop)


@dataclass(eq=False)
class IntegerTiles:
    """Fused tiles of 8-bit products on a GPU.

    Attributes:
        floor: Lowest similarity asked for.
        device: Such as "cuda:0".
        band_rows: Rows of a band; within each, rows are held in another order.
        capacity: Candidates that fit the list on the device; grows where a band has more.
        name: For people.
    """

    floor: float
    device: str
    band_rows: int = BAND_ROWS
    capacity: int = FIRST_CAPACITY
    name: str = "8-bit tiles (Triton)"

    def row_bytes(self, dimensions: int) -> int:
        return 2 * padded_width(dimensions) + 12

    def load(self, vectors: Vectors) -> IntegerRows:
        return integer_rows(vectors, self.device, self.band_rows)

    def candidates(
        self, left: IntegerRows, right: IntegerRows | None, start: int, stop: int
    ) -> Iterator[IndexPairs]:
        join = TileJoin(left, right, self.floor, self.capacity)
        yield join.candidates(start, stop)
        self.capacity = join.capacity


@dataclass(frozen=True)
class SearchShape:
    """How large a search is.

    Attributes:
        count: Rows of the first matrix.
        others: Rows of the other one; those of the first for pairs within it.
        dimensions: Numbers of a row.
    """

    count: int
    others: int
    dimensions: int


def choose_engine(
    shape: SearchShape, floor: float, device: str, band_rows: int = BAND_ROWS
) -> Engine[Any]:
    """The fastest engine of a device.

    Args:
        shape: What is searched.
        floor: Lowest similarity asked for.
        device: "cpu" or "cuda:0".
        band_rows: Rows of a band.
    """
    if device != "cpu" and has_triton():
        return IntegerTiles(floor, device, band_rows)
    if device == "cpu" and is_small(shape.count, shape.others, shape.dimensions):
        return SmallBlocks(floor)
    if takes_bytes(floor, device):
        return ByteBlocks(floor, band_rows)
    return ProductBlocks(floor, fastest_dtype(device), device)


def takes_bytes(floor: float, device: str) -> bool:
    """Whether large searches on that device are by 8-bit blocks of the CPU."""
    return device == "cpu" and floor >= _LEAST_BYTE_FLOOR and bytes_pay()
