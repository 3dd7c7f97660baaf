"""Drop images of fictional concepts that are copies of real images.

The most similar image of all reference sets was searched before (`FilterContext.copies`); an image
with the bytes or the pixels of a reference image is 1 similar to it. Without a reference set to
compare with, `copies` is empty and all images are kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from isekai_gen.filters.base import (
    NOTHING_TO_JUDGE,
    FilterContext,
    Need,
    check_images,
    concept_of,
    needed,
    register_filter,
)
from isekai_gen.records import ImageRecord, Verdict


@register_filter
@dataclass(frozen=True)
class ReferenceCopyFilter:
    """Keep an image of a fictional concept unless it is too similar to a reference image.

    Images of real concepts are kept. Kept images above `review_similarity` are for people to look
    at: their reason is "near_reference_image".

    Attributes:
        max_similarity: Highest similarity to a reference image, in [-1, 1); at 1 not even an equal
            image would be dropped.
        review_similarity: At most `max_similarity`.
    """

    name: ClassVar[str] = "reference_copy"
    order: ClassVar[int] = 8
    needs: ClassVar[frozenset[Need]] = frozenset({Need.COPIES, Need.CONCEPTS})
    max_similarity: float = 0.95
    review_similarity: float = 0.9

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_similarity) and -1.0 <= self.max_similarity < 1.0):
            raise ValueError(f"max_similarity must be in [-1, 1), got {self.max_similarity}")
        if not -1.0 <= self.review_similarity <= self.max_similarity:
            raise ValueError(
                f"review_similarity must be in [-1, max_similarity = {self.max_similarity}], "
                f"got {self.review_similarity}"
            )

    def judge(self, images: Sequence[ImageRecord], context: FilterContext) -> Iterator[Verdict]:
        """One verdict per image; see `ImageFilter.judge`."""
        check_images(images, self.name)
        copies = needed(context.copies, Need.COPIES, self.name)
        for image in images:
            real = concept_of(image, context, self.name).kind == "real"
            if real or not copies:
                reason = "real_concept" if copies else NOTHING_TO_JUDGE
                yield Verdict(image.image_id, by=self.name, keep=True, reason=reason)
                continue
            found = copies.get(image.image_id)
            if found is None:
                raise ValueError(f"filter {self.name!r} needs copies of {image.image_id}")
            keep = found.measured <= self.max_similarity
            near = found.measured > self.review_similarity
            yield Verdict(
                image.image_id,
                by=self.name,
                keep=keep,
                reason=self._reason(keep=keep, near=near),
                measured=found.measured,
                limit=self.max_similarity,
                reference=found.reference,
            )

    def _reason(self, *, keep: bool, near: bool) -> str:
        if not keep:
            return "copy_of_reference_image"
        return "near_reference_image" if near else "within_limit"
