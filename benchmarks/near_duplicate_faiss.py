"""FAISS's own ways, as a user would write them, and a published method upon it.

Rows of the index are its own queries, so that every pair is found twice and each row finds itself;
`IndexFlatIP.range_search` has no other form. Fixed settings are given as options.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
from near_duplicate_measure import Array, Found, Meter, Rows, Task, lower_first, rescored

_QUERIES = 4096


def flat(task: Task, meter: Meter) -> Found:
    """`IndexFlatIP.range_search`."""
    rows = task.load()
    with meter:
        index = faiss.IndexFlatIP(rows.shape[1])
        index.add(rows)
        return Found(*_ranged(index, rows, task.floor))


def inverted_lists(task: Task, meter: Meter) -> Found:
    """`IndexIVFFlat.range_search`. Options: nlist=1024, nprobe=16, niter=10."""
    rows = task.load()
    with meter:
        index = _untrained(task, rows.shape[1])
        index.train(rows)
        index.add(rows)
        return Found(*_ranged(index, rows, task.floor))


def _untrained(task: Task, dimensions: int) -> Any:
    lists = f"IVF{task.count('nlist', 1024)},Flat"
    index: Any = faiss.index_factory(dimensions, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = task.count("niter", 10)
    index.nprobe = task.count("nprobe", 16)
    return index


def _ranged(index: Any, queries: npt.NDArray[Any], radius: float) -> tuple[Rows, Rows]:
    first, second = [], []
    for start in range(0, len(queries), _QUERIES):
        ends, _, found = index.range_search(queries[start : start + _QUERIES], radius)
        hits = np.diff(ends.astype(np.int64))
        mine = np.repeat(np.arange(start, start + len(hits)), hits)
        first.append(mine)
        second.append(found)
    return lower_first(np.concatenate(first), np.concatenate(second))


def binary_lists(task: Task, meter: Meter) -> Found:
    """`IndexBinaryIVF.range_search` on the signs of centered rows, candidates scored in float32.

    Options: nlist=1024, nprobe=16, radius=100 bits.
    """
    rows = task.load()
    with meter:
        bits = np.packbits(rows - rows.mean(axis=0) > 0, axis=1)
        quantizer = faiss.IndexBinaryFlat(rows.shape[1])
        index = faiss.IndexBinaryIVF(quantizer, rows.shape[1], task.count("nlist", 1024))
        index.nprobe = task.count("nprobe", 16)
        index.train(bits)
        index.add(bits)
        candidates = _ranged(index, bits, task.count("radius", 100))
        return Found(
            *rescored(rows, *candidates, task.floor), notes={"candidates": len(candidates[0])}
        )


def graph(task: Task, meter: Meter) -> Found:
    """`IndexHNSWFlat`, nearest neighbors of every row. Options: m=16, efc=80, efs=64, k=16."""
    rows = task.load()
    with meter:
        index = faiss.IndexHNSWFlat(rows.shape[1], task.count("m", 16), faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = task.count("efc", 80)
        index.hnsw.efSearch = task.count("efs", 64)
        index.add(rows)
        return Found(*_nearest(index, rows, task.count("k", 16), task.floor))


def _nearest(index: Any, rows: Array, neighbors: int, floor: float) -> tuple[Rows, Rows]:
    first, second = [], []
    for start in range(0, len(rows), _QUERIES):
        similarity, found = index.search(rows[start : start + _QUERIES], neighbors)
        mine, place = np.nonzero((similarity >= floor) & (found >= 0))
        first.append(mine + start)
        second.append(found[mine, place])
    return lower_first(np.concatenate(first), np.concatenate(second))


def lists_on_gpu(task: Task, meter: Meter) -> Found:
    """IVF-flat on a GPU, nearest neighbors of every row (a GPU index has no range search).

    Options: nlist=1024, nprobe=16, niter=10, k=64.
    """
    rows = task.load()
    resources = faiss.StandardGpuResources()
    with meter:
        index = faiss.index_cpu_to_gpu(resources, 0, _untrained(task, rows.shape[1]))
        index.train(rows)
        index.add(rows)
        found = Found(*_nearest(index, rows, task.count("k", 64), task.floor))
    return Found(found.first, found.second, notes={"gpus": faiss.get_num_gpus()})


def semdedup(task: Task, meter: Meter) -> Found:
    """The method of SemDeDup (Abbas et al., 2023), written anew from the paper.

    Spherical k-means; within each cell all similarities, rows in ascending order of similarity to
    the cell's center (far ones are kept first); a row is dropped if any row before it, dropped or
    not, is above the limit. Pairs across cells are never seen. Options: cells=100, niter=20.
    """
    rows = task.load()
    with meter:
        cells = task.count("cells", 100)
        means = faiss.Kmeans(
            rows.shape[1], cells, niter=task.count("niter", 20), spherical=True, seed=1234
        )
        means.train(rows)
        centrality, cell = (column[:, 0] for column in means.index.search(rows, 1))
        order = np.lexsort((centrality, cell))
        bounds = np.searchsorted(cell[order], np.arange(cells + 1))
        parts = [
            _pairs_of_cell(rows, order[start:stop], task.floor) for start, stop in pairwise(bounds)
        ]
        before, after = (np.concatenate(column) for column in zip(*parts, strict=True))
        dropped = np.unique(after)
    kept = np.ones(len(rows), dtype=bool)
    kept[dropped] = False
    witnessed = np.unique(after[kept[before]])
    notes = {"dropped": len(dropped), "without_kept_witness": len(dropped) - len(witnessed)}
    return Found(*lower_first(before, after), notes=notes)


def _pairs_of_cell(rows: Array, members: Rows, floor: float) -> tuple[Rows, Rows]:
    own = rows[members]
    before, after = np.nonzero(np.triu(own @ own.T, 1) >= floor)
    return members[before], members[after]
