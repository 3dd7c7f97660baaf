"""Tools that find pictures that look the same, each as it is used.

`Task.path` is a folder of pictures; rows stand for its files in ascending order of name.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from near_duplicate_measure import Found, Meter, Rows, Task, lower_first

_FASTDUP_COLUMNS = ("filename_from", "filename_to")


def names_of(folder: Path) -> list[str]:
    """The files that rows stand for."""
    return sorted(path.name for path in folder.iterdir())


def _found(task: Task, pairs: Iterable[tuple[str, str]], **notes: object) -> Found:
    row_of = {name: row for row, name in enumerate(names_of(task.path))}
    rows = np.array([(row_of[a], row_of[b]) for a, b in pairs], dtype=np.int64).reshape(-1, 2)
    return Found(*lower_first(rows[:, 0], rows[:, 1]), notes=notes)


def ours(task: Task, meter: Meter) -> Found:
    """`isekai-gen dedupe --images --tiers perceptual`: the pairs of its automatic band.

    From the start of the process to the last file.
    """
    import pyarrow.parquet as pq
    from near_duplicate_ours import run_dedupe

    out = task.folder / "dedupe-pictures"
    shutil.rmtree(out, ignore_errors=True)
    arguments = ["--images", str(task.path), "--tiers", "perceptual", "--out", str(out)]
    with meter:
        summary: dict[str, Any] = run_dedupe(arguments)
    edges = pq.read_table(out / "edges.parquet").to_pydict()
    limit = summary["tiers"]["perceptual"]["max_similarity"]
    columns = zip(edges["key_a"], edges["key_b"], edges["similarity"], strict=True)
    pairs = [(a, b) for a, b, similarity in columns if similarity > limit]
    return _found(task, pairs, limit=limit, dropped=summary["dropped"], phases=summary["seconds"])


def imagehash(task: Task, meter: Meter) -> Found:
    """ImageHash in one process, all pairs of hashes. Options: hash=phash, radius=10."""
    import imagehash as library
    from PIL import Image

    names = names_of(task.path)
    make = getattr(library, task.options.get("hash", "phash"))
    with meter:
        hashes = []
        for name in names:
            with Image.open(task.path / name) as picture:
                hashes.append(np.packbits(make(picture).hash.ravel()))
        first, second = _within(np.stack(hashes), task.count("radius", 10))
    return Found(first, second)


def _within(hashes: np.ndarray, radius: int) -> tuple[Rows, Rows]:
    """Pairs of hashes, uint8 [n, 8], that differ in at most `radius` bits."""
    parts = []
    for row in range(len(hashes)):
        bits = np.unpackbits(hashes[row + 1 :] ^ hashes[row], axis=1).sum(axis=1, dtype=np.int64)
        others = np.flatnonzero(bits <= radius) + row + 1
        parts.append((np.full(len(others), row, dtype=np.int64), others))
    first, second = (np.concatenate(column) for column in zip(*parts, strict=True))
    return first, second


def imagededup(task: Task, meter: Meter) -> Found:
    """`find_duplicates` of imagededup on the folder. Options: hash=PHash, radius=10."""
    from imagededup import methods

    finder = getattr(methods, task.options.get("hash", "PHash"))(verbose=False)
    with meter:
        listed = finder.find_duplicates(
            image_dir=str(task.path), max_distance_threshold=task.count("radius", 10)
        )
    return _found(task, ((name, other) for name, others in listed.items() for other in others))


def cleanvision(task: Task, meter: Meter) -> Found:
    """The exact and near duplicates of cleanvision."""
    from cleanvision import Imagelab

    with meter:
        lab = Imagelab(data_path=str(task.path))
        lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, verbose=False)
    sets = [s for kind in ("exact_duplicates", "near_duplicates") for s in lab.info[kind]["sets"]]
    pairs = [pair for names in sets for pair in combinations((Path(n).name for n in names), 2)]
    return _found(task, pairs)


def fastdup(task: Task, meter: Meter) -> Found:
    """What fastdup finds with the model in its package. Options: similarity=0.96, k=2."""
    import fastdup as library

    work = task.folder / "fastdup"
    shutil.rmtree(work, ignore_errors=True)
    least = float(task.options.get("similarity", 0.96))
    with meter:
        finder = library.create(work_dir=str(work), input_dir=str(task.path))
        finder.run(threshold=least, nearest_neighbors_k=task.count("k", 2), print_summary=False)
        table = finder.similarity()
    above = table[table["distance"] >= least]
    files = (above[name].map(lambda path: Path(path).name) for name in _FASTDUP_COLUMNS)
    return _found(task, zip(*files, strict=True))
