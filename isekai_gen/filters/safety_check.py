"""Drop images that the image generator's own safety checker flagged.

The checker ran when the image was drawn; its answer is in the record. This makes it a verdict: it
is counted, it is in the release's list of rejected images, and a person can overrule it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from isekai_gen.filters.base import (
    NOTHING_TO_JUDGE,
    FilterContext,
    Need,
    check_images,
    register_filter,
)
from isekai_gen.records import ImageRecord, Verdict

_REASONS = {
    None: NOTHING_TO_JUDGE,  # drawn by a model without a checker
    False: "not_flagged",
    True: "flagged_by_safety_checker",
}


@register_filter
@dataclass(frozen=True)
class SafetyCheckFilter:
    """Keep an image unless the model's safety checker flagged it.

    The checker says yes or no, so there is neither a measured number nor a limit.
    """

    name: ClassVar[str] = "safety_check"
    order: ClassVar[int] = 5
    needs: ClassVar[frozenset[Need]] = frozenset()

    def judge(self, images: Sequence[ImageRecord], context: FilterContext) -> Iterator[Verdict]:
        """One verdict per image; see `ImageFilter.judge`."""
        del context
        check_images(images, self.name)
        for image in images:
            yield Verdict(
                image.image_id,
                by=self.name,
                keep=image.safety_flagged is not True,
                reason=_REASONS[image.safety_flagged],
            )
