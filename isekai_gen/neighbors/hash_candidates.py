"""Which hashes of 64 bits differ in few of them: exact, by FAISS or, without it, by numpy."""

from __future__ import annotations

import importlib.util
from typing import Protocol

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.similarity import IndexArray

Hashes = npt.NDArray[np.uint64]
Bits = npt.NDArray[np.uint8]
Hits = tuple[IndexArray, IndexArray, Bits]
# Comparisons in one numpy temporary of 8 bytes each: small enough for a processor's cache.
_AT_ONCE = 1 << 18


class HashIndex(Protocol):
    """Finds hashes close to others."""

    def near(self, queries: Hashes, radius: int) -> Hits:
        """Every pair of a query and a hash of the index that differ in at most `radius` bits.

        Args:
            queries: uint64 [q].
            radius: In bits.

        Returns:
            Positions among the queries, positions in the index (both int64), and the bits (uint8).
        """
        ...


def open_index(hashes: Hashes) -> HashIndex:
    """An exact index of hashes, uint64 [n]: by FAISS where it is installed."""
    return _FaissIndex(hashes) if _has_faiss() else NumpyIndex(hashes)


def hash_search_method() -> str:
    """What compares hashes here, for reports."""
    return "faiss IndexBinaryFlat" if _has_faiss() else "numpy popcount"


def search_with_one_thread() -> None:
    """Have FAISS use the calling thread alone, for callers that run several."""
    if _has_faiss():
        import faiss

        faiss.omp_set_num_threads(1)


def _has_faiss() -> bool:
    return importlib.util.find_spec("faiss") is not None


class _FaissIndex:
    """FAISS's flat binary index."""

    def __init__(self, hashes: Hashes) -> None:
        import faiss

        self._index = faiss.IndexBinaryFlat(64)
        self._index.add(_octets(hashes))

    def near(self, queries: Hashes, radius: int) -> Hits:
        # range_search keeps what is strictly below its radius.
        ends, bits, found = self._index.range_search(_octets(queries), radius + 1)
        hits: IndexArray = ends[1:].astype(np.int64) - ends[:-1].astype(np.int64)
        rows = np.repeat(np.arange(len(queries), dtype=np.int64), hits)
        return rows, found.astype(np.int64), bits.astype(np.uint8)


def _octets(hashes: Hashes) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, 8)


class NumpyIndex:
    """Every query against every hash, in blocks."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    def near(self, queries: Hashes, radius: int) -> Hits:
        """See `HashIndex.near`."""
        none = np.zeros(0, dtype=np.int64)
        found = [(none, none, none.astype(np.uint8))]
        step = max(1, _AT_ONCE // max(1, len(self._hashes)))
        for start in range(0, len(queries), step):
            bits = np.bitwise_count(queries[start : start + step, None] ^ self._hashes)
            rows, columns = np.nonzero(bits <= radius)
            found.append((rows + start, columns, bits[rows, columns]))
        rows, columns, bits = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return rows, columns, bits
