"""Choose the images whose pixels fill another image's mask.

An image's choice depends on the seed, its id and who there is to choose from; never on their order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from isekai_gen.errors import InputError

FillerSource = Literal["same", "other", "counterpart"]
FILLER_SOURCES: tuple[FillerSource, ...] = ("same", "other", "counterpart")


@dataclass(frozen=True)
class FillerPool:
    """The images that may fill others.

    Attributes:
        images_by_concept: Slug to ids of kept images.
        counterparts: Slug of a concept to that of its real (or fictional) counterpart.
    """

    images_by_concept: Mapping[str, Sequence[str]]
    counterparts: Mapping[str, str]


def choose_fillers(
    pool: FillerPool, image_id: str, concept: str, source: FillerSource, count: int, seed: int
) -> tuple[str, ...]:
    """Ids of distinct images to fill an image's mask with; never its own.

    Args:
        pool: Who there is.
        image_id: The image to be filled.
        concept: Its slug.
        source: "same": its own concept; "counterpart": the concept that its group pairs it with;
            "other": any concept but these two.
        count: How many, at least 1.
        seed: Of the choice.

    Returns:
        `count` ids.

    Raises:
        InputError: If there are too few.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    concepts = _concepts(pool, concept, source)
    found = [
        other
        for slug in concepts
        for other in pool.images_by_concept.get(slug, ())
        if other != image_id
    ]
    if len(found) < count:
        raise InputError(
            f"{concept}: image {image_id} needs {count} fillers of source {source!r}, and there "
            f"are {len(found)} kept images to choose from; draw more, ask for fewer, or choose "
            "another source"
        )
    ranked = sorted(found, key=lambda other: (_rank(seed, image_id, other), other))
    return tuple(ranked[:count])


def fill_seed(seed: int, image_id: str) -> int:
    """The seed of an image's own refill, 0 <= seed < 2**63."""
    return int.from_bytes(_rank(seed, image_id, "refill")[:8]) >> 1


def _concepts(pool: FillerPool, concept: str, source: FillerSource) -> Sequence[str]:
    if source == "same":
        return [concept]
    counterpart = pool.counterparts.get(concept)
    if source == "counterpart":
        if counterpart is None:
            raise InputError(
                f"{concept}: has no counterpart to take fillers from; choose the source 'same' or "
                "'other', or give it one in the catalog"
            )
        return [counterpart]
    return sorted(pool.images_by_concept.keys() - {concept, counterpart})


def _rank(seed: int, image_id: str, other: str) -> bytes:
    """A place in an order that every image has of its own."""
    return hashlib.sha256(f"{seed}/{image_id}/{other}".encode()).digest()
