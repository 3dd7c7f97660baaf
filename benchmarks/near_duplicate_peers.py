"""Other tools, each as it is used; they run in their own Python."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from near_duplicate_measure import Found, Meter, Task, lower_first


def usearch(task: Task, meter: Meter) -> Found:
    """The graph of usearch, nearest neighbors of every row. Options: dtype=bf16, k=16."""
    from usearch.index import Index

    rows = task.load()
    with meter:
        index = Index(ndim=rows.shape[1], metric="cos", dtype=task.options.get("dtype", "bf16"))
        index.add(np.arange(len(rows)), rows)
        matches = index.search(rows, task.count("k", 16))
        return _reaching(matches.keys, 1.0 - matches.distances, task.floor)


def hnswlib(task: Task, meter: Meter) -> Found:
    """The graph of hnswlib, neighbors of every row. Options: m=16, efc=100, efs=64, k=16."""
    from hnswlib import Index

    rows = task.load()
    with meter:
        index = Index(space="cosine", dim=rows.shape[1])
        index.init_index(len(rows), M=task.count("m", 16), ef_construction=task.count("efc", 100))
        index.add_items(rows)
        index.set_ef(task.count("efs", 64))
        labels, distances = index.knn_query(rows, task.count("k", 16))
        return _reaching(labels, 1.0 - distances, task.floor)


def _reaching(neighbors: npt.NDArray[np.uint64], similarity: np.ndarray, floor: float) -> Found:
    mine, place = np.nonzero(similarity >= floor)
    return Found(*lower_first(mine, neighbors[mine, place].astype(np.int64)))


def imagededup(task: Task, meter: Meter) -> Found:
    """The cosine search of imagededup on given encodings; its matrix takes 2 n^2 bytes and more."""
    import torch
    from imagededup.methods import CNN
    from imagededup.utils import CustomModel

    rows = task.load()
    # Encodings are given, so no network is needed; without one of the caller's, weights of
    # another would be downloaded.
    unused = CustomModel(model=torch.nn.Identity(), transform=lambda image: image, name="none")
    finder = CNN(verbose=False, model_config=unused)
    encodings = {str(row): vector for row, vector in enumerate(rows)}
    with meter:
        listed = finder.find_duplicates(encoding_map=encodings, min_similarity_threshold=task.floor)
        first = np.repeat(
            np.array([int(row) for row in listed], dtype=np.int64),
            [len(others) for others in listed.values()],
        )
        second = np.array(
            [int(other) for others in listed.values() for other in others], dtype=np.int64
        )
        return Found(*lower_first(first, second))
