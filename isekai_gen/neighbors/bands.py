"""Finished bands of a long search, kept on disk so that an interrupted search goes on.

A band is a range of rows with all the pairs that begin in it. They follow from the vectors and the
floor alone, so that any device may search any band. Each is one file, written at once or not at
all; a search with other inputs finds nothing here.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.hashing import digest_of
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.storage import write_atomically

BAND_ROWS = 65536
"""Rows of a band, in whatever way it is searched."""
ScoredPairs = tuple[IndexArray, IndexArray, FloatArray]


@dataclass(frozen=True)
class BandFolder:
    """Bands of one search.

    Attributes:
        folder: Where they lie.
        inputs: Digest of the vectors that are searched.
        band_rows: Rows of a band.
    """

    folder: Path
    inputs: str
    band_rows: int = BAND_ROWS

    def under(self, floor: float) -> BandFolder:
        """The same folder for one floor: bands of other floors are not found."""
        key = digest_of([self.inputs, floor, self.band_rows])
        return BandFolder(self.folder, key, self.band_rows)

    def load(self, start: int) -> ScoredPairs | None:
        """The band that begins at row `start`, or None if it is not there or damaged."""
        try:
            content = io.BytesIO(self._path(start).read_bytes())
            with np.load(content, allow_pickle=False) as arrays:
                return arrays["row_a"], arrays["row_b"], arrays["similarity"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # it is searched again

    def save(self, start: int, pairs: ScoredPairs) -> None:
        """Keep a finished band.

        Raises:
            StorageError: If the disk is full or read-only.
        """
        buffer = io.BytesIO()
        np.savez(buffer, row_a=pairs[0], row_b=pairs[1], similarity=pairs[2])
        write_atomically(self._path(start), buffer.getvalue())

    def _path(self, start: int) -> Path:
        return self.folder / f"band-{self.inputs[:16]}-{start:010d}.npz"
