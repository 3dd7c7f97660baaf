"""The k nearest rows of another matrix by blocked products on the CPU, and all pairs from a floor.

Every row keeps a limit that follows from the k-th best product so far, as `gpu_nearest` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.neighbors.nearest_band import NearestBand, ranked_band
from isekai_gen.neighbors.rounding import RoundedRows, product_margin
from isekai_gen.neighbors.similarity import IndexArray, gathered_similarities
from isekai_gen.neighbors.vectors import Vectors

if TYPE_CHECKING:
    import torch

BAND_ROWS = 1024
_COLUMNS = 8192
# A product of unit rows written as bfloat16 moves by half a unit in the last place at most.
_WRITING_ERROR = 2.0**-8


@dataclass(frozen=True, eq=False)
class NearestBlocks:
    """The search of one matrix against another, band by band.

    Attributes:
        vectors: n rows.
        against: m >= k rows.
        left: The rows of `vectors`, rounded.
        right: The rows of `against`, rounded.
        k: Nearest rows wanted.
        floor: Pairs from here are listed, too.
    """

    vectors: Vectors
    against: Vectors
    left: RoundedRows
    right: RoundedRows
    k: int
    floor: float

    def bands(self) -> Iterator[NearestBand]:
        """The rows of `vectors` in order, BAND_ROWS at a time."""
        for start in range(0, len(self.left.matrix), BAND_ROWS):
            stop = min(start + BAND_ROWS, len(self.left.matrix))
            places, others = self._candidates(start, stop)
            rows = np.arange(start, stop, dtype=np.int64)
            scores = gathered_similarities(self.vectors, rows[places], self.against, others)
            yield ranked_band(rows, places, others, scores, self.k, self.floor)

    def _candidates(self, start: int, stop: int) -> tuple[IndexArray, IndexArray]:
        """Pairs that may count: places in the band and rows of `against`, int64 [c] each."""
        import torch

        margin = product_margin(self.left, self.right) + _WRITING_ERROR
        rows = self.left.matrix[start:stop]
        best = torch.full((len(rows), self.k), -float("inf"))
        places: list[IndexArray] = []
        others: list[IndexArray] = []
        products: list[FloatArray] = []
        limits = np.full(len(rows), -np.inf, dtype=np.float32)
        for edge in range(0, len(self.right.matrix), _COLUMNS):
            block = rows @ self.right.matrix[edge : edge + _COLUMNS].T
            hit = torch.nonzero(block.amax(dim=1).float() >= torch.from_numpy(limits))[:, 0]
            if not len(hit):
                continue
            near = block[hit].float()
            wanted = min(self.k, near.shape[1])
            best[hit] = _best(best[hit], torch.topk(near, wanted, dim=1).values)
            # The k-th exact similarity lies at most one margin below the k-th product, and the
            # product of a row that reaches it at most one more.
            limits = np.minimum(best[:, -1].numpy() - 2 * margin, self.floor - margin)
            place, column = torch.nonzero(
                near >= torch.from_numpy(limits.astype(np.float32))[hit, None], as_tuple=True
            )
            places.append(hit[place].numpy())
            others.append(column.numpy() + edge)
            products.append(near[place, column].numpy())
        all_places, all_others = np.concatenate(places), np.concatenate(others)
        still = np.concatenate(products) >= limits[all_places]
        return all_places[still], all_others[still]


def _best(known: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
    """The largest of both, in descending order, as many as `known` has."""
    import torch

    return torch.topk(torch.cat([known, more], dim=1), known.shape[1], dim=1).values
