"""Drop pictures that are no use whatever they show: blank, too small, covered with text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from isekai_gen.filters.base import (
    FilterContext,
    Need,
    check_images,
    needed,
    register_filter,
)
from isekai_gen.records import ImageRecord, PictureLook, Verdict


@register_filter
@dataclass(frozen=True)
class PictureCheckFilter:
    """Keep a picture unless it is blank, too small, or looks like text.

    The verdict of a kept picture has its contrast: a limit that always applies.

    Attributes:
        min_short_side: Fewest pixels of the short side; None for no limit.
        min_contrast: Lowest standard deviation of the gray levels; below it a picture is blank.
        max_text: Highest share of the picture that may look like text; None for no limit.
    """

    name: ClassVar[str] = "picture_check"
    order: ClassVar[int] = 6
    needs: ClassVar[frozenset[Need]] = frozenset({Need.LOOKS})
    min_short_side: int | None = None
    min_contrast: float = 4.0
    max_text: float | None = None

    def __post_init__(self) -> None:
        if self.min_short_side is not None and self.min_short_side < 1:
            raise ValueError(f"min_short_side must be positive, got {self.min_short_side}")
        if not 0.0 <= self.min_contrast <= 128.0:
            raise ValueError(f"min_contrast must be in [0, 128], got {self.min_contrast}")
        if self.max_text is not None and not 0.0 <= self.max_text <= 1.0:
            raise ValueError(f"max_text must be in [0, 1], got {self.max_text}")

    def judge(self, images: Sequence[ImageRecord], context: FilterContext) -> Iterator[Verdict]:
        """One verdict per image; see `ImageFilter.judge`."""
        check_images(images, self.name)
        looks = needed(context.looks, Need.LOOKS, self.name)
        for image in images:
            look = looks.get(image.image_id)
            if look is None:
                raise ValueError(f"filter {self.name!r} needs looks of {image.image_id}")
            reason, measured, limit = self.finding(look)
            yield Verdict(
                image.image_id,
                by=self.name,
                keep=reason == "within_limit",
                reason=reason,
                measured=measured,
                limit=limit,
            )

    def finding(self, look: PictureLook) -> tuple[str, float, float]:
        """Reason, what was measured, and its limit; "within_limit" of a picture that is kept."""
        if look.contrast < self.min_contrast:
            return "blank", look.contrast, self.min_contrast
        if self.min_short_side is not None and look.short_side < self.min_short_side:
            return "too_small", float(look.short_side), float(self.min_short_side)
        if self.max_text is not None and look.text > self.max_text:
            return "looks_like_text", look.text, self.max_text
        return "within_limit", look.contrast, self.min_contrast
