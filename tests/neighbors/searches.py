"""Every way of searching exactly, for tests that all of them must pass."""

import numpy as np
import pytest
from hypothesis import strategies as st

from isekai_gen.embeddings import normalized
from isekai_gen.neighbors.engines import ByteBlocks, IntegerTiles, ProductBlocks
from isekai_gen.neighbors.exact import ExactSearch
from isekai_gen.neighbors.portions import PortionSizes
from isekai_gen.neighbors.similarity import indexed_similarities
from isekai_gen.neighbors.small import SmallBlocks
from isekai_gen.neighbors.vectors import ArrayVectors

FLOORS = [-1.0, -0.5, 0.0, 0.5, 0.7071067811865475, 0.9, 0.999, 1.0]


def has_cuda():
    import torch

    return torch.cuda.is_available()


def by_numpy(floor, band_rows):
    del band_rows  # bands are no business of these engines
    return SmallBlocks(floor)


def by_torch(dtype, device="cpu"):
    def engine(floor, band_rows):
        import torch

        del band_rows
        return ProductBlocks(floor, getattr(torch, dtype), device)

    return engine


def by_bytes(floor, band_rows):
    return ByteBlocks(floor, band_rows)


def by_tiles(floor, band_rows):
    return IntegerTiles(floor, "cuda:0", band_rows, capacity=16)


ENGINES = [
    pytest.param(by_numpy, id="numpy"),
    pytest.param(by_torch("bfloat16"), id="bfloat16"),
    pytest.param(by_torch("float32"), id="float32"),
    pytest.param(by_bytes, id="bytes"),
]
if has_cuda():
    ENGINES += [
        pytest.param(by_torch("bfloat16", "cuda:0"), id="cuda-bfloat16", marks=pytest.mark.gpu),
        pytest.param(by_tiles, id="triton", marks=pytest.mark.gpu),
    ]


@st.composite
def matrices(draw, max_rows=14, dimensions=None):
    """Rows of small whole numbers, scaled: many ties, repeats, opposites and right angles."""
    d = dimensions or draw(st.sampled_from([1, 2, 3, 8]))
    row = st.lists(st.integers(-2, 2), min_size=d, max_size=d).filter(any)
    rows = draw(st.lists(row, max_size=max_rows))
    return normalized(np.array(rows, dtype=float).reshape(len(rows), d))


def search(engine, left, right, floor, band_rows=4, sizes=None):
    left = ArrayVectors(left)
    right = None if right is None else ArrayVectors(right)
    if sizes is None:
        sizes = PortionSizes(left.shape[0], 0 if right is None else right.shape[0])
    return ExactSearch(left, right, floor, engine(floor, band_rows), sizes, band_rows)


def listed(pairs):
    return list(
        zip(pairs.row_a.tolist(), pairs.row_b.tolist(), pairs.similarity.tolist(), strict=True)
    )


def naive_pairs(left, right, floor):
    """All pairs by a full table of float64 similarities."""
    other = left if right is None else right
    i, j = (grid.ravel() for grid in np.indices((len(left), len(other))))
    if right is None:
        i, j = i[i < j], j[i < j]
    similarity = indexed_similarities(left, i, other, j).astype(np.float32)
    reached = similarity.astype(np.float64) >= floor
    return list(
        zip(i[reached].tolist(), j[reached].tolist(), similarity[reached].tolist(), strict=True)
    )
