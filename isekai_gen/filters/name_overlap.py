"""Drop images of fictional concepts that bear the name of a real thing.

A benchmark of unseen concepts cannot ask for a thing by a name that models know. How alike the
names are was measured before (`FilterContext.names`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from isekai_gen.filters.base import (
    FilterContext,
    Need,
    check_images,
    concept_of,
    needed,
    register_filter,
)
from isekai_gen.records import ImageRecord, Verdict

SAME_NAME = 1.0
"""What is measured of a concept that has the name of a class; less means a similar name."""


@register_filter
@dataclass(frozen=True)
class NameOverlapFilter:
    """Keep images of a fictional concept unless its name is that of a class.

    Names that only read alike are kept for people to look at: reason "name_near_class". Images of
    real concepts are kept.

    Attributes:
        max_similarity: Highest similarity of the name's text embedding to that of a class's name
            that needs no look, in [-1, 1].
    """

    name: ClassVar[str] = "name_overlap"
    order: ClassVar[int] = 7
    needs: ClassVar[frozenset[Need]] = frozenset({Need.NAMES, Need.CONCEPTS})
    max_similarity: float = 0.9

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_similarity) and -1.0 <= self.max_similarity <= 1.0):
            raise ValueError(f"max_similarity must be in [-1, 1], got {self.max_similarity}")

    def judge(self, images: Sequence[ImageRecord], context: FilterContext) -> Iterator[Verdict]:
        """One verdict per image; see `ImageFilter.judge`."""
        check_images(images, self.name)
        names = needed(context.names, Need.NAMES, self.name)
        for image in images:
            if concept_of(image, context, self.name).kind == "real":
                yield Verdict(image.image_id, by=self.name, keep=True, reason="real_concept")
                continue
            found = names.get(image.concept)
            if found is None:
                raise ValueError(f"filter {self.name!r} needs names of {image.concept}")
            yield Verdict(
                image.image_id,
                by=self.name,
                keep=found.measured != SAME_NAME,
                reason=self.reason_of(found.measured),
                measured=found.measured,
                limit=self.max_similarity,
                reference=found.reference,
            )

    def reason_of(self, measured: float) -> str:
        """What is said of a concept whose name is that similar to a class's."""
        if measured == SAME_NAME:
            return "name_is_class"
        return "name_near_class" if measured > self.max_similarity else "within_limit"
