"""What a way of searching found, against what there is to find."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from near_duplicate_measure import Figures, Rows
from near_duplicate_plain import sample_of
from near_duplicate_vectors import VectorSet, planted_pairs, random_pair_cosines


@dataclass(frozen=True, eq=False)
class Truth:
    """All pairs at or above the floor, by the exact search.

    Attributes:
        count: Rows.
        keys: int64, ascending: first * count + second of every pair.
        planted: bool [len(keys)], whether both rows are of one planted group.
    """

    count: int
    keys: Rows
    planted: np.ndarray

    @classmethod
    def load(cls, result: Path, vectors: VectorSet) -> Truth:
        """The pairs that the exact search of `vectors` wrote to `result`."""
        keys = load_keys(result, vectors.rows)
        first, second = planted_pairs(vectors)
        return cls(vectors.rows, keys, np.isin(keys, first * vectors.rows + second))

    def figures(self, keys: Rows) -> Figures:
        """Recall of all pairs and of planted ones, precision, and a digest of the pairs."""
        found = np.isin(self.keys, keys, assume_unique=True)
        hits = int(found.sum())
        return {
            "pairs": len(keys),
            "recall": _share(hits, len(self.keys)),
            "planted_recall": _share(int((found & self.planted).sum()), int(self.planted.sum())),
            "precision": _share(hits, len(keys)),
            "pairs_sha256": hashlib.sha256(keys.tobytes()).hexdigest()[:16],
        }

    def against_sample(self, keys: Rows, rows: int) -> dict[str, int]:
        """How the pairs of some rows differ from what plain products of these rows give.

        Args:
            keys: Of the pairs that the products gave.
            rows: How many rows were asked for.
        """
        chosen = sample_of(self.count, rows)
        first, second = np.divmod(self.keys, self.count)
        mine = self.keys[np.isin(first, chosen) | np.isin(second, chosen)]
        return {
            "rows": len(chosen),
            "pairs": len(keys),
            "not_listed": len(np.setdiff1d(keys, mine)),
            "listed_only_here": len(np.setdiff1d(mine, keys)),
        }

    def describe(self, path: Path) -> Figures:
        """What the embeddings are like: cosines of random pairs, counts of pairs and groups."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        links = coo_matrix(
            (np.ones(len(self.keys), dtype=bool), np.divmod(self.keys, self.count)),
            shape=(self.count, self.count),
        )
        sizes = np.bincount(connected_components(links, directed=False)[1])
        mean, deviation = random_pair_cosines(path)
        return {
            "mib": round(path.stat().st_size / 2**20),
            "random_pair_cosine": [round(mean, 3), round(deviation, 3)],
            "pairs": len(self.keys),
            "planted": int(self.planted.sum()),
            "natural": int((~self.planted).sum()),
            "groups": int((sizes > 1).sum()),
            "largest_group": int(sizes.max()),
        }


def load_keys(result: Path, count: int) -> Rows:
    """The pairs of a result file as ascending keys, each pair once."""
    with np.load(result) as arrays:
        first, second = arrays["first"], arrays["second"]
    low, high = np.minimum(first, second), np.maximum(first, second)
    keys: Rows = np.unique((low * count + high)[low < high])
    return keys


def bits_digest(result: Path) -> str:
    """SHA-256, shortened, over rows and similarities as they are: equal edges to the bit."""
    with np.load(result) as arrays:
        order = np.lexsort((arrays["second"], arrays["first"]))
        columns = [arrays[name][order].tobytes() for name in ("first", "second", "similarity")]
    return hashlib.sha256(b"".join(columns)).hexdigest()[:16]


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 1.0
