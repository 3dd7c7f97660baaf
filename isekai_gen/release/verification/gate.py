"""Hold a release against limits of one's own: how like the real world, how alike, how many.

Images are counted again from metadata.jsonl; the limits that they are held against, and what the
rows alone cannot tell, are those of reports/. What was never measured does not pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.release.layout import (
    CALIBRATION_FILE,
    CONCEPTS_FILE,
    DUPLICATES_FILE,
    METADATA_FILE,
    OVERLAP_FILE,
)
from isekai_gen.release.verification.findings import in_order
from isekai_gen.release.verification.received import Finding
from isekai_gen.release.verification.received_release import ReceivedRelease
from isekai_gen.release.verification.received_reports import number_or_none
from isekai_gen.release.verification.verify import read_release
from isekai_gen.release.verification.verify_overlap import images_over, overlap_limits

_ALLOWANCE = re.compile(r"(\d+(?:\.\d+)?)(%?)")
_SHOWN = 5


@dataclass(frozen=True)
class Allowance:
    """How many images may be over a limit.

    Attributes:
        number: Of images, or percent of them.
        percent: Which of the two.
    """

    number: float
    percent: bool

    def permits(self, images: int, of: int) -> bool:
        """Whether `images` of so many may be over the limit."""
        return 100 * images <= self.number * of if self.percent else images <= self.number

    def __str__(self) -> str:
        return f"{self.number:g}{'%' if self.percent else ''}"


@dataclass(frozen=True)
class GateLimits:
    """What is asked of a release; None and False ask nothing.

    Attributes:
        max_copies: Images of fictional concepts that are copies of real images, at most.
        max_class_overlap: Images of fictional concepts that look like a real class, at most.
        min_kept: Images of every concept, at least.
        max_similarity: Of an image to any other image of the release, at most, in [-1, 1].
        calibrated: Whether the limits for near-duplicates must have been calibrated.
        copies_measured: Whether copies of real images must have been looked for.
    """

    max_copies: Allowance | None = None
    max_class_overlap: Allowance | None = None
    min_kept: int | None = None
    max_similarity: float | None = None
    calibrated: bool = False
    copies_measured: bool = False


def parse_allowance(text: str) -> Allowance:
    """A number of images ("3"), or a share of them ("0.5%").

    Raises:
        InputError: If it is neither.
    """
    found = _ALLOWANCE.fullmatch(text.strip())
    if found is None or (not found[2] and "." in found[1]) or (found[2] and float(found[1]) > 100):
        raise InputError(f"{text!r} is neither a number of images nor a share, such as 3 or 0.5%")
    return Allowance(float(found[1]), bool(found[2]))


def check_gate(folder: Path, limits: GateLimits) -> list[Finding]:
    """Where a release does not meet limits; empty if it meets all.

    What it says of itself is taken as true: `verify_release` is what checks that.

    Args:
        folder: The release.
        limits: What is asked.

    Raises:
        ReleaseError: If there is no such folder.
    """
    release = read_release(folder)
    overlap = _report(release, OVERLAP_FILE)
    findings = [
        *_check_copies(release, overlap, limits),
        *_check_class_overlap(overlap, limits),
        *_check_kept(release, limits),
        *_check_similarity(release, limits),
        *_check_calibration(release, limits),
    ]
    if not findings and release.tree.findings:
        # What could not be read might be what is over a limit.
        findings = release.tree.findings
    return in_order(findings)


def _report(release: ReceivedRelease, name: str) -> Mapping[str, Any]:
    value = release.tree.read_json(name)
    return value if isinstance(value, Mapping) else {}


def _check_copies(
    release: ReceivedRelease, overlap: Mapping[str, Any], limits: GateLimits
) -> Iterator[Finding]:
    asked = limits.copies_measured or limits.max_copies is not None
    if not asked:
        return
    stated = overlap_limits(overlap)
    if overlap.get("copies_measured") is not True or stated.max_similarity is None:
        yield Finding(
            OVERLAP_FILE,
            "not-measured",
            "copies of real images were not looked for; compare with a set of them "
            "(isekai-gen reference add, isekai-gen overlap) and build again",
        )
        return
    found = images_over(release, stated).values()
    unknown = sum(each.images - each.compared for each in found)
    if unknown:
        message = f"{unknown} images of fictional concepts have no reference_similarity"
        yield Finding(METADATA_FILE, "not-measured", f"{message}; run isekai-gen overlap again")
    copies = [path for each in found for path in each.over["copies"]]
    total = sum(each.images for each in found)
    if limits.max_copies is not None and not limits.max_copies.permits(len(copies), total):
        yield Finding(
            METADATA_FILE,
            "max-copy",
            f"{len(copies)} of {total} images are more than {stated.max_similarity:g} like a real "
            f"image; allowed: {limits.max_copies}: {_few(copies)}",
        )


def _check_class_overlap(overlap: Mapping[str, Any], limits: GateLimits) -> Iterator[Finding]:
    allowed = limits.max_class_overlap
    if allowed is None:
        return
    rows = overlap.get("concepts")
    if overlap.get("measured") is not True or not isinstance(rows, list):
        yield Finding(
            OVERLAP_FILE,
            "not-measured",
            "images were not compared with real classes; run isekai-gen overlap and build again",
        )
        return
    images = like_class = 0
    named = []
    for row in rows:
        kept = row.get("kept") if isinstance(row, Mapping) else None
        share = kept.get("like_class") if isinstance(kept, Mapping) else None
        number, of = (
            (share.get("images"), share.get("of")) if isinstance(share, Mapping) else (0, None)
        )
        if type(number) is not int or type(of) is not int:
            message = f"concept {ascii(row)[:60]} has no like_class; run isekai-gen release verify"
            yield Finding(OVERLAP_FILE, "not-measured", message)
            return
        like_class, images = like_class + number, images + of
        if number:
            named.append(f"{row.get('concept')} ({number} of {of})")
    if not allowed.permits(like_class, images):
        yield Finding(
            OVERLAP_FILE,
            "max-class-overlap",
            f"{like_class} of {images} images look like a real class; allowed: {allowed}: "
            f"{_few(named)}",
        )


def _check_kept(release: ReceivedRelease, limits: GateLimits) -> Iterator[Finding]:
    if limits.min_kept is None:
        return
    kept = {str(row.get("slug")): 0 for row in release.concepts}
    for image in release.images.values():
        kept[image.concept] = kept.get(image.concept, 0) + 1
    few = [f"{slug} ({number})" for slug, number in kept.items() if number < limits.min_kept]
    if few or not kept:
        yield Finding(
            CONCEPTS_FILE,
            "min-kept",
            f"{len(few)} of {len(kept)} concepts have fewer than {limits.min_kept} images: "
            f"{_few(few)}",
        )


def _check_similarity(release: ReceivedRelease, limits: GateLimits) -> Iterator[Finding]:
    asked = limits.max_similarity
    if asked is None:
        return
    semantic = _report(release, DUPLICATES_FILE).get("tiers")
    tier = semantic.get("semantic") if isinstance(semantic, Mapping) else None
    floor = number_or_none(tier.get("floor")) if isinstance(tier, Mapping) else None
    if floor is None or floor > asked:
        listed = "not measured" if floor is None else f"listed from {floor:g} up only"
        yield Finding(
            DUPLICATES_FILE,
            "not-measured",
            f"similarities among images were {listed}; run isekai-gen dedupe with "
            f"--review-similarity {asked:g} or less, and build again",
        )
        return
    over = [
        f"{image.path} ({image.max_similarity:.4f})"
        for image in release.images.values()
        if image.max_similarity is not None and image.max_similarity > asked
    ]
    if over:
        message = f"{len(over)} images are more than {asked:g} like another: {_few(over)}"
        yield Finding(METADATA_FILE, "max-similarity", message)


def _check_calibration(release: ReceivedRelease, limits: GateLimits) -> Iterator[Finding]:
    if not limits.calibrated:
        return
    tiers = _report(release, CALIBRATION_FILE).get("tiers")
    if not isinstance(tiers, Mapping) or not tiers:
        yield Finding(
            CALIBRATION_FILE,
            "not-measured",
            "limits for near-duplicates were not calibrated; run isekai-gen calibrate, and "
            "isekai-gen dedupe with its limits, and build again",
        )


def _few(words: list[str]) -> str:
    more = f", and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return f"{', '.join(words[:_SHOWN])}{more}"
