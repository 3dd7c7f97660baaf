"""The kernels on a CPU against full tables; run with Triton's interpreter by `test_gpu_kernels.py`.

Rows of very different scales lie beside each other, some rows are near-duplicates, and lists have
too little room for some.
"""

import numpy as np

from isekai_gen.embeddings import normalized
from isekai_gen.neighbors import gpu_nearest, gpu_nearest_lists
from isekai_gen.neighbors.engines import IntegerTiles
from isekai_gen.neighbors.exact import ExactSearch
from isekai_gen.neighbors.exact_run import run_search
from isekai_gen.neighbors.portions import PortionSizes
from isekai_gen.neighbors.vectors import ArrayVectors

QUERIES, OTHERS, DIMENSIONS, NEAREST, FLOOR = 70, 600, 96, 5, 0.3


def rows_of(seed):
    rng = np.random.default_rng(seed)
    queries = normalized(rng.standard_normal((QUERIES, DIMENSIONS)))
    others = normalized(rng.standard_cauchy((OTHERS, DIMENSIONS)))
    near = queries[3] + 0.02 * rng.standard_normal((80, DIMENSIONS))
    others[100:180] = normalized(near)
    others[500:502] = queries[10]
    return queries, others


def agree_on_nearest(queries, others):
    table = table_of(queries, others)
    gpu_nearest_lists._ROOM, gpu_nearest._FIRST_STAGE = 64, 64
    left, right = ArrayVectors(queries), ArrayVectors(others)
    tiles = gpu_nearest.prepare_tiles(left, right, NEAREST, FLOOR, "cpu")
    pairs, best = set(), -np.sort(-table, axis=1)[:, :NEAREST]
    for band in tiles.bands():
        assert np.allclose(best[band.rows], band.similarities, atol=1e-6)
        told = np.take_along_axis(table[band.rows], band.nearest, axis=1)
        assert np.allclose(told, band.similarities, atol=1e-6)
        pairs |= set(zip(band.pairs[0].tolist(), band.pairs[1].tolist(), strict=True))
    assert pairs == wanted(table, FLOOR)
    assert len(pairs) > 80


def agree_on_pairs(queries, others, floor):
    engine = IntegerTiles(floor, "cpu", band_rows=4, capacity=16)
    sizes = PortionSizes(len(queries), len(others))
    search = ExactSearch(ArrayVectors(queries), ArrayVectors(others), floor, engine, sizes, 4)
    found = run_search(search, 10**6, None, lambda _: None)
    pairs = set(zip(found.row_a.tolist(), found.row_b.tolist(), strict=True))
    assert pairs == wanted(table_of(queries, others), floor)


def table_of(queries, others):
    return queries.astype(float) @ others.astype(float).T


def wanted(table, floor):
    return set(zip(*(at.tolist() for at in np.nonzero(table >= floor)), strict=True))


if __name__ == "__main__":
    queries, others = rows_of(0)
    agree_on_nearest(queries, others)
    # Rows ascend by scale within a band of 4: the last of these has not the largest.
    similar = np.eye(3, dtype=np.float32)[[2] * 8 + [1]]
    for others in (similar, similar[:0]):
        agree_on_pairs(similar[:1], others, 0.999)
