"""Propose the pairs of rows whose similarity may reach a floor; never miss one.

Both searches yield index pairs (i, j) with i < j, each pair once, a superset of the pairs at or
above the floor: the float32 products are compared with the floor less the margin that covers their
error (`similarity.float32_margin`). Scoring the candidates is not done here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.similarity import IndexArray, float32_below, float32_margin
from isekai_gen.optional import require

IndexPairs = tuple[IndexArray, IndexArray]
_COLUMNS = 8192
_FAISS = "pip install 'isekai-gen[cpu]' or pip install 'isekai-gen[gpu]'"


def candidates_by_blocks(units: FloatArray, floor: float, block_rows: int) -> Iterator[IndexPairs]:
    """Candidate pairs by blocked products of the upper triangle.

    Args:
        units: float32, shape (n, d), from `similarity.unit_rows`.
        floor: Lowest similarity asked for.
        block_rows: Rows of a block; a block's product is float32 [block_rows, 8192].

    Yields:
        int64 arrays i and j of one length, i < j.
    """
    low = float32_below(floor - float32_margin(units.shape[1]))
    for top in range(0, len(units), block_rows):
        rows = units[top : top + block_rows]
        for left in range(top, len(units), _COLUMNS):
            products = rows @ units[left : left + _COLUMNS].T
            # Scanning for the few hits costs half a product; a maximum per row is far cheaper.
            hit_rows = np.flatnonzero(products.max(axis=1) >= low)
            within, columns = np.nonzero(products[hit_rows] >= low)
            first, second = hit_rows[within] + top, columns + left
            ahead = first < second
            yield first[ahead], second[ahead]


def candidates_by_faiss(units: FloatArray, floor: float, block_rows: int) -> Iterator[IndexPairs]:
    """Candidate pairs by a FAISS flat inner-product index, queried `block_rows` rows at a time.

    Arguments and results are those of `candidates_by_blocks`.

    Raises:
        MissingDependencyError: If faiss is not installed.
    """
    faiss = require("faiss", _FAISS)
    low = float32_below(floor - float32_margin(units.shape[1]))
    index = faiss.IndexFlatIP(units.shape[1])
    index.add(units)
    for top in range(0, len(units), block_rows):
        # range_search keeps what is strictly above its radius, and `low` is already below.
        ends, _, found = index.range_search(units[top : top + block_rows], float(low))
        hits = np.diff(ends.astype(np.int64))
        first = np.repeat(np.arange(top, top + len(hits), dtype=np.int64), hits)
        second = found.astype(np.int64)
        ahead = first < second
        yield first[ahead], second[ahead]
