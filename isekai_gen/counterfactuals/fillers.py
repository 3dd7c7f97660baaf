"""Choose the images whose pixels fill another image's mask.

An image's choice depends on the seed, its id and who there is to choose from; never on their order.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from isekai_gen.errors import InputError

FillerSource = Literal["same", "other", "counterpart"]


@dataclass(frozen=True)
class FillerPool:
    """The images that may fill others.

    Attributes:
        images_by_concept: Slug to ids of kept images, each id in one concept only.
        counterparts: Slug of a concept to that of its real (or fictional) counterpart.
    """

    images_by_concept: Mapping[str, Sequence[str]]
    counterparts: Mapping[str, str]

    @cached_property
    def ordered(self) -> tuple[str, ...]:
        """All ids: concepts by slug, images of each by id, in whatever order they were given."""
        return tuple(
            image
            for slug in sorted(self.images_by_concept)
            for image in sorted(self.images_by_concept[slug])
        )

    @cached_property
    def places(self) -> Mapping[str, range]:
        """Slug to the places of its images in `ordered`."""
        found, start = {}, 0
        for slug in sorted(self.images_by_concept):
            stop = start + len(self.images_by_concept[slug])
            found[slug] = range(start, stop)
            start = stop
        return found


def choose_fillers(
    pool: FillerPool, image_id: str, concept: str, source: FillerSource, count: int, seed: int
) -> tuple[str, ...]:
    """Ids of distinct images to fill an image's mask with; never its own.

    Takes as long as `count` says, however many there are to choose from. Of the same pool, seed
    and source, more fillers begin with the fewer.

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
    pieces = _pieces(pool, image_id, concept, source)
    there = sum(map(len, pieces))
    if there < count:
        raise InputError(
            f"{concept}: image {image_id} needs {count} fillers of source {source!r}, and there "
            f"are {there} kept images to choose from; draw more, ask for fewer, or choose "
            "another source"
        )
    # The first steps of a Fisher-Yates shuffle, of which only what was swapped is held.
    swapped: dict[int, int] = {}
    chosen = []
    for turn in range(count):
        drawn = turn + int.from_bytes(_digest(seed, image_id, str(turn))) % (there - turn)
        chosen.append(pool.ordered[_place(pieces, swapped.get(drawn, drawn))])
        swapped[drawn] = swapped.get(turn, turn)
    return tuple(chosen)


def fill_seed(seed: int, image_id: str) -> int:
    """The seed of an image's own refill, 0 <= seed < 2**63."""
    return int.from_bytes(_digest(seed, image_id, "refill")[:8]) >> 1


def _pieces(
    pool: FillerPool, image_id: str, concept: str, source: FillerSource
) -> tuple[range, ...]:
    """Places in `pool.ordered` of all who may fill, in order and apart."""
    nobody = range(0)
    own = pool.places.get(concept, nobody)
    if source == "same":
        place = bisect_left(pool.ordered, image_id, own.start, own.stop)
        there = place < own.stop and pool.ordered[place] == image_id
        return range(own.start, place), range(place + there, own.stop)
    counterpart = pool.counterparts.get(concept)
    if source == "counterpart":
        if counterpart is None:
            raise InputError(
                f"{concept}: has no counterpart to take fillers from; choose the source 'same' or "
                "'other', or give it one in the catalog"
            )
        return (pool.places.get(counterpart, nobody),)
    left_out = [own, pool.places.get(counterpart, nobody) if counterpart else nobody]
    first, second = sorted(left_out, key=lambda each: (each.start, each.stop))
    return (
        range(first.start),
        range(first.stop, second.start),
        range(second.stop, len(pool.ordered)),
    )


def _place(pieces: Sequence[range], number: int) -> int:
    """The place that is number `number`, from 0, of all places in the pieces."""
    for piece in pieces:
        if number < len(piece):
            return piece[number]
        number -= len(piece)
    raise IndexError(f"there are no {number + 1} more places")


def _digest(seed: int, image_id: str, of: str) -> bytes:
    """Random bytes that every image has of its own."""
    return hashlib.sha256(f"{seed}/{image_id}/{of}".encode()).digest()
