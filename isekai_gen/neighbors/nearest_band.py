"""What is near to some rows: candidates with exact similarities, put in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isekai_gen.neighbors.bands import ScoredPairs
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray


@dataclass(frozen=True, eq=False)
class NearestBand:
    """What is near to some rows.

    Attributes:
        rows: int64, shape (b,): which rows.
        nearest: int64, shape (b, k): the nearest rows of the other matrix, most similar first; of
            equally similar ones the lower row first.
        similarities: float64, shape (b, k).
        pairs: Rows, other rows and float32 similarities of the pairs at or above a floor.
    """

    rows: IndexArray
    nearest: IndexArray
    similarities: ScoreArray
    pairs: ScoredPairs


def ranked_band(
    rows: IndexArray,
    places: IndexArray,
    others: IndexArray,
    scores: ScoreArray,
    k: int,
    floor: float,
) -> NearestBand:
    """Put the candidates of each row in order.

    Args:
        rows: int64, shape (b,).
        places: int64, shape (c,): which of `rows` each candidate belongs to; at least k of each.
        others: int64, shape (c,): rows of the other matrix.
        scores: float64, shape (c,).
        k: Nearest rows wanted.
        floor: Pairs from here are listed, too.
    """
    order = np.lexsort((others, -scores, places))
    places, others, scores = places[order], others[order], scores[order]
    among = np.searchsorted(places, np.arange(len(rows)))[:, None] + np.arange(k)
    above = scores.astype(np.float32).astype(np.float64) >= floor
    pairs = (rows[places[above]], others[above], scores[above].astype(np.float32))
    return NearestBand(rows, others[among], scores[among], pairs)
