"""What is known of the pictures of a source once they were looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.models.perceptual import PictureHashes
from isekai_gen.neighbors.similarity import IndexArray
from isekai_gen.stages.embed_pictures_files import PictureRow


@dataclass(frozen=True, eq=False)
class EmbeddedPictures:
    """What is known of the pictures of a source.

    Row i of every array is of picture i; pictures that could not be opened have none.

    Attributes:
        rows: Key, class, size and digests of those that were opened, in ascending order of keys.
        vectors: float32 [n, d], unit rows, memory-mapped; None without an encoder.
        hashes: Perceptual hashes; None if they were not asked for.
        failures: Key to why a picture could not be used.
        unread: How many of them a later run tries again, since their bytes could not be had.
        encoder: Identity of the encoder, or "".
    """

    rows: tuple[PictureRow, ...]
    vectors: FloatArray | None
    hashes: PictureHashes | None
    failures: Mapping[str, str]
    unread: int
    encoder: str

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What names each picture, ascending."""
        return tuple(row.key for row in self.rows)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Class of each picture, or ""."""
        return tuple(row.label for row in self.rows)

    @cached_property
    def byte_sha256(self) -> tuple[str, ...]:
        """Digest of each file."""
        return tuple(row.byte_sha256 for row in self.rows)

    @cached_property
    def pixel_sha256(self) -> tuple[str, ...]:
        """Digest of each picture's RGB pixels."""
        return tuple(row.pixel_sha256 for row in self.rows)

    @cached_property
    def sizes(self) -> IndexArray:
        """int64 [n, 3]: width, height, bytes of the file."""
        return np.array(
            [(row.width, row.height, row.file_bytes) for row in self.rows], dtype=np.int64
        ).reshape(-1, 3)
