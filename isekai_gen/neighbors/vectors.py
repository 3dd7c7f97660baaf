"""Matrices of embeddings that are read in blocks, so that they need not fit the memory."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from isekai_gen.cores import usable_cores
from isekai_gen.embeddings import FloatArray, normalized
from isekai_gen.errors import InputError
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.storage import streamed_file

_UNIT_TOLERANCE = 1e-3
# Blocks of some MiB come from memory that is used again; larger ones cost a page fault every 4 KiB.
_BLOCK_ROWS = 4096


class Vectors(Protocol):
    """n rows of d numbers; rows are finite and not zero, but need not have unit length."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        ...

    def block(self, start: int, stop: int) -> FloatArray:
        """Rows start..stop, float32 [stop - start, d], as they are stored."""
        ...

    def take(self, rows: IndexArray) -> FloatArray:
        """The rows named, float32 [len(rows), d], as they are stored."""
        ...


@dataclass(frozen=True, eq=False)
class ArrayVectors:
    """A float32 matrix in memory.

    Attributes:
        array: float32, shape (n, d).
    """

    array: FloatArray

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return self.array.shape[0], self.array.shape[1]

    def block(self, start: int, stop: int) -> FloatArray:
        return self.array[start:stop]

    def take(self, rows: IndexArray) -> FloatArray:
        taken: FloatArray = self.array[rows]
        return taken


@dataclass(frozen=True, eq=False)
class Portion:
    """Some successive rows of a matrix.

    Attributes:
        whole: The matrix.
        start: Its first row that counts.
        stop: The row after the last one.
    """

    whole: Vectors
    start: int
    stop: int

    @property
    def shape(self) -> tuple[int, int]:
        """(stop - start, d)."""
        return self.stop - self.start, self.whole.shape[1]

    def block(self, start: int, stop: int) -> FloatArray:
        return self.whole.block(self.start + start, min(self.start + stop, self.stop))

    def take(self, rows: IndexArray) -> FloatArray:
        return self.whole.take(rows + self.start)


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """Some rows of a matrix, in any order.

    Attributes:
        whole: The matrix.
        rows: int64 [n]: which of its rows.
    """

    whole: Vectors
    rows: IndexArray

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return len(self.rows), self.whole.shape[1]

    def block(self, start: int, stop: int) -> FloatArray:
        return self.whole.take(self.rows[start:stop])

    def take(self, rows: IndexArray) -> FloatArray:
        return self.whole.take(self.rows[rows])


@dataclass(frozen=True, eq=False)
class FileVectors:
    """A float16 or float32 matrix in a .npy file.

    Attributes:
        path: The file.
        array: The mapped matrix.
    """

    path: Path
    array: np.memmap[Any, Any]

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return self.array.shape[0], self.array.shape[1]

    def block(self, start: int, stop: int) -> FloatArray:
        # Read rather than mapped: pages that a scan maps stay in this process's memory.
        count, width = max(0, min(stop, len(self.array)) - start), self.shape[1]
        offset = self.array.offset + start * width * self.array.itemsize
        rows = np.fromfile(self.path, self.array.dtype, count * width, offset=offset)
        return rows.reshape(count, width).astype(np.float32, copy=False)

    def take(self, rows: IndexArray) -> FloatArray:
        return np.asarray(self.array[rows], dtype=np.float32)


def open_vectors(path: Path, *, require_unit: bool = False) -> FileVectors:
    """Open a .npy file of embeddings and look at every row once.

    Args:
        path: float16 or float32, shape (n, d), C order.
        require_unit: Whether rows that are not of unit length (within 1e-3) are refused; otherwise
            similarities are cosines, which do not depend on lengths.

    Raises:
        InputError: If it is no such file, or a row is zero, not finite or, if asked for, not of
            unit length; names the row.
    """
    vectors = map_vectors(path)

    def check(start: int) -> None:
        _check_rows(path, start, vectors.block(start, start + _BLOCK_ROWS), require_unit)

    # Reading and summing let other threads run; the first bad row is told, whoever meets it.
    with ThreadPoolExecutor(usable_cores()) as pool:
        for _ in pool.map(check, range(0, vectors.shape[0], _BLOCK_ROWS)):
            pass
    return vectors


def map_vectors(path: Path) -> FileVectors:
    """Open a .npy file whose rows were looked at before.

    Raises:
        InputError: If it is no file of a float16 or float32 matrix in C order.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: no readable .npy file ({error})") from error
    if not isinstance(array, np.memmap) or array.ndim != 2 or array.shape[1] == 0:
        raise InputError(f"{path}: not a matrix; embeddings have shape (images, dimensions)")
    if array.dtype not in (np.float16, np.float32) or not array.flags.c_contiguous:
        raise InputError(
            f"{path}: {array.dtype} in {'C' if array.flags.c_contiguous else 'Fortran'} order; "
            "save it as float32 or float16 in C order"
        )
    return FileVectors(path, array)


def write_vectors(path: Path, vectors: Vectors) -> str:
    """Write a float32 .npy file block by block, whole or not at all.

    Returns:
        The SHA-256 of its bytes.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    count, dimensions = vectors.shape
    digest = hashlib.sha256()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (count, dimensions)}
    )
    with streamed_file(path) as written, written.open("wb") as file:
        digest.update(header.getvalue())
        file.write(header.getvalue())
        for start in range(0, count, _BLOCK_ROWS):
            # As they are: an equal picture's embedding then has similarity exactly 1.
            rows = vectors.block(start, min(start + _BLOCK_ROWS, count))
            content = rows.astype("<f4").tobytes()
            digest.update(content)
            file.write(content)
    return digest.hexdigest()


def _check_rows(path: Path, start: int, block: FloatArray, require_unit: bool) -> None:
    squares = np.einsum("ij,ij->i", block, block)
    bad = np.flatnonzero(~np.isfinite(squares) | (squares == 0))
    if bad.size:
        raise InputError(
            f"{path}: row {start + bad[0]} is zero, not finite, or too long or short for float32; "
            "remove such rows, or normalize them"
        )
    off = np.flatnonzero(np.abs(np.sqrt(squares) - 1.0) > _UNIT_TOLERANCE)
    if require_unit and off.size:
        raise InputError(
            f"{path}: row {start + off[0]} has length {np.sqrt(squares[off[0]]):.4g}, not 1; "
            "normalize the rows, or leave out --require-unit"
        )


def unit_block(vectors: Vectors, start: int, stop: int) -> FloatArray:
    """Rows scaled to unit length in float64 and rounded to float32, [stop - start, d]."""
    return normalized(vectors.block(start, stop))
