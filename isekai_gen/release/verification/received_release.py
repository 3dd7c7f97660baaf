"""What of a received release the checks look things up in: its index, concepts and images.

A release may have 100,000 images: of every row of metadata.jsonl only what other files repeat is
remembered, and a digest of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isekai_gen.release.verification.received import ReceivedTree


@dataclass(frozen=True, slots=True)
class ImageRow:
    """What is remembered of a row of metadata.jsonl that has the right form.

    Attributes:
        line: Of the file, from 1.
        id: Of the image.
        path: Its file_name.
        split: Name of its split.
        label: Row of its concept in concepts.jsonl, from 0.
        concept: Slug.
        width: Pixels.
        height: Pixels.
        size: Bytes of the file.
        sha256: Of the file.
        pixel_sha256: Of the pixels as drawn.
        duplicate_group: Name of the near-duplicates that it belongs to.
        max_similarity: To the most similar other image, or None.
        drawn_from: Hash of its prompt, seed and row (`verify_metadata.drawn_from`).
        digest: SHA-256 of the row's canonical JSON, 32 bytes; b"" if no file carries images.
    """

    line: int
    id: str
    path: str
    split: str
    label: int
    concept: str
    width: int
    height: int
    size: int
    sha256: str
    pixel_sha256: str
    duplicate_group: str
    max_similarity: float | None
    drawn_from: int
    digest: bytes


@dataclass(frozen=True)
class ReceivedSamples:
    """The counterfactual samples of a release.

    Attributes:
        rows: Path in the release to what is remembered of the row of a sample; size is 0.
        counts: What release.json must say of them (`counterfactual_samples.count_samples`), or
            None if there are none.
    """

    rows: Mapping[str, ImageRow] = field(default_factory=dict)
    counts: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ReceivedRelease:
    """A release as far as it could be read.

    Attributes:
        tree: The files, and what was found wrong.
        index: release.json, or {}.
        concepts: Rows of concepts.jsonl, in order.
        images: Path to row of metadata.jsonl, for rows of the right form.
        image_by_id: The same by id.
        measured: Path of every readable file to its SHA-256, as measured now; {} before.
        samples: Counterfactual samples, which are no images of the release.
    """

    tree: ReceivedTree
    index: Mapping[str, Any]
    concepts: list[dict[str, Any]]
    images: Mapping[str, ImageRow]
    image_by_id: Mapping[str, ImageRow]
    measured: dict[str, str] = field(default_factory=dict)
    samples: ReceivedSamples = field(default_factory=ReceivedSamples)

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.tree.folder

    @property
    def profile(self) -> str:
        """How its images travel, or "" if release.json does not say."""
        profile = self.index.get("profile")
        return profile if isinstance(profile, str) else ""

    def files_below(self, folder: str, suffix: str = "") -> list[str]:
        """Paths below a folder of the release that end in `suffix`, sorted."""
        return sorted(
            name
            for name in self.tree.files
            if name.startswith(f"{folder}/") and name.endswith(suffix)
        )
