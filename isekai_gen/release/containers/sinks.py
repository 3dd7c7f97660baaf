"""What takes images as they are read: folders, tables and archives behind one interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from isekai_gen.hashing import canonical_json
from isekai_gen.release.images import ReleasedImage


@dataclass(frozen=True)
class ImageShard:
    """Images of one split that are read, checked and written together.

    Attributes:
        split: Their split.
        number: Of the shard within its split, from 0.
        of: Number of shards in the split.
        images: In release order.
    """

    split: str
    number: int
    of: int
    images: Sequence[ReleasedImage]

    @property
    def name(self) -> str:
        """Distinct within a release, and safe as a file name."""
        return f"{self.split}-{self.number:05d}"


@dataclass(frozen=True, slots=True)
class MetadataLine:
    """A row of metadata.jsonl, spelled once for all that repeat it.

    Attributes:
        row: Its values by column.
        text: Its canonical JSON, without a line feed.
    """

    row: Mapping[str, Any]
    text: bytes

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> MetadataLine:
        """The line of a row."""
        return cls(row, canonical_json(row).encode())


class ImageSink(Protocol):
    """One container of a shard's images, such as a Parquet file. Used by one thread."""

    def add(self, image: ReleasedImage, line: MetadataLine, content: bytes) -> None:
        """Take the next image.

        Args:
            image: The image.
            line: Its line of metadata.jsonl.
            content: The bytes that are released.
        """

    def close(self) -> None:
        """Finish what was added, also after an error elsewhere; nothing is added afterwards."""
