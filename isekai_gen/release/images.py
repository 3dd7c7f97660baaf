"""Kept images and their places in a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isekai_gen.records import Concept, ImageRecord

_MIN_DIGITS = 4


@dataclass(frozen=True)
class ImageMeasures:
    """What curation measured of a kept image; None or "" where it did not.

    Attributes:
        alignment: Similarity to the own concept's text less that to the nearest other concept's.
        nearest_class: "set/class" of the real class it is most like.
        class_margin: Similarity to that class less that to the own concept's text.
        nearest_reference: "set/path" of the real image it is most like.
        reference_similarity: To that image.
        max_similarity: To the most similar other kept image; None below the edges' floor.
        duplicate_group: Least id of its near-duplicate component, its own id if it is alone.
    """

    duplicate_group: str
    alignment: float | None = None
    nearest_class: str = ""
    class_margin: float | None = None
    nearest_reference: str = ""
    reference_similarity: float | None = None
    max_similarity: float | None = None


@dataclass(frozen=True)
class ReleasedImage:
    """A kept image and its place in the release.

    Attributes:
        record: As in the workspace.
        concept: What it shows.
        label: Row of the concept in concepts.jsonl, from 0.
        path: "images/<concept>/<concept>-0001.png" (or .webp, .jpg), relative to the release. It
            is the image's name also where the release has no loose files.
        split: Such as "test".
        measures: By curation.
    """

    record: ImageRecord
    concept: Concept
    label: int
    path: str
    split: str
    measures: ImageMeasures


def name_images(
    concepts: Sequence[Concept], kept: Mapping[str, Sequence[ImageRecord]]
) -> dict[str, str]:
    """Id of every kept image to its path in the release, in release order.

    Args:
        concepts: The catalog, in its order.
        kept: Concept slug to its kept records, in the order to number them.
    """
    longest = max((len(records) for records in kept.values()), default=0)
    digits = max(_MIN_DIGITS, len(str(longest)))
    return {
        record.image_id: f"images/{slug}/{slug}-{number:0{digits}d}{record.suffix}"
        for slug in (concept.slug for concept in concepts)
        for number, record in enumerate(kept.get(slug, ()), start=1)
    }
