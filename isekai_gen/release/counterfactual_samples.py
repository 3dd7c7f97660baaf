"""Counterfactual samples of a release: images of nothing new, so they are in no main list.

A sample shows the object of a released image without its context, or the context without the
object. It goes with its source's split, and its fillers are of that split: nothing of one split is
in another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.manifests.names import normalize_label
from isekai_gen.release.images import ReleasedImage
from isekai_gen.release.layout import COUNTERFACTUALS_FOLDER


@dataclass(frozen=True)
class ReleasedSample:
    """A kept sample; fields as of `counterfactual_columns`, but for the picture.

    Attributes:
        picture: Its PNG file in the workspace.
    """

    id: str
    source: str
    label_stands: bool
    kept: str
    method: str
    area_from: str
    limit: float
    mask_rate: float
    refill: str
    filler_source: str
    fillers: tuple[str, ...]
    seed: int
    pixel_sha256: str
    picture: Path

    def to_json(self) -> dict[str, Any]:
        """All but where it lies; JSON-ready."""
        return {key: value for key, value in self.__dict__.items() if key != "picture"}


@dataclass(frozen=True)
class SampleFile:
    """What was measured of the file of a sample.

    Attributes:
        width: Pixels.
        height: Pixels.
        sha256: Of its bytes, 64 hex digits.
    """

    width: int
    height: int
    sha256: str


def sample_row(sample: ReleasedSample, source: ReleasedImage, file: SampleFile) -> dict[str, Any]:
    """One row of counterfactuals/metadata.jsonl: exactly `COUNTERFACTUAL_COLUMNS`."""
    slug, label = source.concept.slug, normalize_label(source.concept.name)
    return {
        **sample.to_json(),
        "file_name": sample_file_name(slug, sample.id),
        "split": source.split,
        "label": source.label,
        "concept": slug,
        "lcl_label": label,
        "answer": right_answer(label, label_stands=sample.label_stands),
        "limit": float(sample.limit),
        "mask_rate": float(sample.mask_rate),
        "fillers": list(sample.fillers),
        **file.__dict__,
    }


def right_answer(label: str, *, label_stands: bool) -> str:
    """What is right to say of a sample of a concept with this label."""
    return label if label_stands else f"not {label}"


def sample_file_name(concept: str, sample_id: str) -> str:
    """Path of a sample's picture, relative to counterfactuals/."""
    return f"images/{concept}/{sample_id}.png"


def sample_path(file_name: str) -> str:
    """Path of a sample's picture, relative to the release."""
    return f"{COUNTERFACTUALS_FOLDER}/{file_name}"


def count_samples(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What release.json says of samples.

    Returns:
        "samples" (their number), "kept" (object or context to a number), "by_split".
    """
    found = [(row["kept"], row["split"]) for row in rows]
    return {
        "samples": len(found),
        "kept": dict(sorted(Counter(kept for kept, _ in found).items())),
        "by_split": dict(sorted(Counter(split for _, split in found).items())),
    }
