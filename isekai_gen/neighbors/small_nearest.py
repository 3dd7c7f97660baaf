"""The k nearest rows of small searches by numpy alone; see `small`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.nearest_band import NearestBand, ranked_band
from isekai_gen.neighbors.similarity import (
    IndexArray,
    float32_below,
    float32_margin,
    gathered_similarities,
)
from isekai_gen.neighbors.small import loaded_units
from isekai_gen.neighbors.vectors import Vectors

# Numbers in one float32 block of products: 64 MiB.
_BLOCK_NUMBERS = 1 << 24


@dataclass(frozen=True, eq=False)
class SmallNearest:
    """The search of one matrix against another.

    Attributes:
        vectors: n rows.
        against: m >= k rows.
        k: Nearest rows wanted.
        floor: Pairs from here are listed, too.
    """

    vectors: Vectors
    against: Vectors
    k: int
    floor: float

    def bands(self) -> Iterator[NearestBand]:
        """The rows of `vectors` in order."""
        count, total = self.vectors.shape[0], self.against.shape[0]
        units, references = loaded_units(self.vectors), loaded_units(self.against)
        step = max(1, _BLOCK_NUMBERS // total)
        for start in range(0, count, step):
            rows = np.arange(start, min(start + step, count), dtype=np.int64)
            places, others = self._candidates(units[rows] @ references.T)
            scores = gathered_similarities(self.vectors, rows[places], self.against, others)
            yield ranked_band(rows, places, others, scores, self.k, self.floor)

    def _candidates(self, products: FloatArray) -> tuple[IndexArray, IndexArray]:
        """Every pair that can count.

        k products of a row lie at or above its k-th one, so the k-th exact similarity is at most
        one margin below it, and a product at most one more below its exact similarity.
        """
        margin = float32_margin(self.vectors.shape[1])
        kth = np.partition(products, products.shape[1] - self.k, axis=1)[:, -self.k]
        lowest = np.minimum(kth.astype(np.float64) - 2 * margin, self.floor - margin)
        below = np.array([float32_below(value) for value in lowest], dtype=np.float32)
        places, others = np.nonzero(products >= below[:, None])
        return places, others
