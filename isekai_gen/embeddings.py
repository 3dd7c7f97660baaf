"""Embeddings with their ids, checked and normalized in this one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
# float32 rows that were normalized once are off by a few ulp; more means they were not.
_UNIT_TOLERANCE = 1e-3


def normalized(vectors: npt.ArrayLike) -> FloatArray:
    """Rows scaled to unit length.

    Args:
        vectors: Shape (n, d), any float type.

    Returns:
        float32, shape (n, d), every row of norm 1.

    Raises:
        ValueError: If a row is zero or not finite, or the shape is not two-dimensional.
    """
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"vectors must have shape (n, d), got {rows.shape}")
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    bad = np.flatnonzero(~np.isfinite(norms[:, 0]) | (norms[:, 0] == 0))
    if bad.size:
        raise ValueError(f"row {bad[0]} is zero or not finite; {bad.size} such row(s)")
    unit: FloatArray = (rows / norms).astype(np.float32)
    return unit


@dataclass(frozen=True)
class EmbeddingTable:
    """Unit vectors keyed by image id (or class key).

    Attributes:
        ids: n distinct keys.
        vectors: float32, shape (n, d); rows of unit length.
        encoder: Identity of the encoder; tables of different encoders are never compared.
    """

    ids: tuple[str, ...]
    vectors: FloatArray
    encoder: str

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.ids) != self.vectors.shape[0]:
            raise ValueError(
                f"vectors must have shape ({len(self.ids)}, d), got {self.vectors.shape}"
            )
        if self.vectors.dtype != np.float32:
            raise ValueError(f"vectors must be float32, got {self.vectors.dtype}")
        if len(set(self.ids)) != len(self.ids):
            raise ValueError("ids repeat")
        if self.vectors.size:
            norms = np.linalg.norm(self.vectors.astype(np.float64), axis=1)
            if not np.all(np.abs(norms - 1) < _UNIT_TOLERANCE):
                raise ValueError("rows must have unit length; use embeddings.normalized")

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, ids: Sequence[str]) -> EmbeddingTable:
        """The rows of `ids`, in that order; KeyError names an id that is not here."""
        row_of = {key: row for row, key in enumerate(self.ids)}
        rows = np.array([row_of[key] for key in ids], dtype=np.int64)
        return EmbeddingTable(tuple(ids), self.vectors[rows], self.encoder)
