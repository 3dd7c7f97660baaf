"""Check reports/overlap.json: that what it counts is what metadata.jsonl says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from isekai_gen.release.layout import METADATA_FILE, OVERLAP_FILE
from isekai_gen.release.verification.received_release import ReceivedRelease
from isekai_gen.release.verification.received_reports import number_or_none, part_of, read_report

_COUNTED = ("over_margin", "copies", "near_copies")


@dataclass(frozen=True)
class OverlapLimits:
    """Limits that reports/overlap.json states; None where it states none.

    Attributes:
        max_margin: `class_overlap`'s.
        max_similarity: `reference_copy`'s.
        review_similarity: `reference_copy`'s.
    """

    max_margin: float | None
    max_similarity: float | None
    review_similarity: float | None


def overlap_limits(report: Mapping[str, Any]) -> OverlapLimits:
    """The limits in a report on overlap, whatever it is."""
    by_class = part_of(report, "limits", "class_overlap")
    by_image = part_of(report, "limits", "reference_copy")
    return OverlapLimits(
        number_or_none(by_class.get("max_margin")),
        number_or_none(by_image.get("max_similarity")),
        number_or_none(by_image.get("review_similarity")),
    )


@dataclass
class OverLimits:
    """Released images of one fictional concept that lie over a limit, by path.

    Attributes:
        images: Number of all its images.
        over: "over_margin", "copies", "near_copies" to paths.
        compared: How many of its images were compared with real ones.
    """

    images: int = 0
    compared: int = 0
    over: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in _COUNTED})


def images_over(release: ReceivedRelease, limits: OverlapLimits) -> dict[str, OverLimits]:
    """Slug of every fictional concept to its images over the limits, read from metadata.jsonl."""
    found = {
        str(row.get("slug")): OverLimits()
        for row in release.concepts
        if row.get("kind") == "fictional"
    }
    for _, row in release.tree.iter_rows(METADATA_FILE):
        concept = found.get(str(row.get("concept")))
        if concept is None:
            continue
        concept.images += 1
        path = str(row.get("file_name"))
        margin = number_or_none(row.get("class_margin"))
        if margin is not None and limits.max_margin is not None and margin > limits.max_margin:
            concept.over["over_margin"].append(path)
        similarity = number_or_none(row.get("reference_similarity"))
        if similarity is None or limits.max_similarity is None or limits.review_similarity is None:
            continue
        concept.compared += 1
        if similarity > limits.max_similarity:
            concept.over["copies"].append(path)
        elif similarity > limits.review_similarity:
            concept.over["near_copies"].append(path)
    return found


def check_overlap(release: ReceivedRelease) -> None:
    """Report a report on overlap that is none, or counts otherwise than the rows."""
    report = read_report(release, OVERLAP_FILE)
    if report is None:
        return
    measured, copies = report.get("measured"), report.get("copies_measured")
    if not isinstance(measured, bool) or not isinstance(copies, bool) or (copies and not measured):
        message = "measured and copies_measured must be true or false"
        release.tree.report(OVERLAP_FILE, "report", message)
        return
    if not measured:
        return
    found = images_over(release, overlap_limits(report))
    rows = report.get("concepts")
    stated = {
        str(row.get("concept")): part_of(row, "kept")
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping)
    }
    faults = []
    if stated.keys() != found.keys():
        faults.append("its concepts are not the fictional concepts of the release")
    for slug in sorted(stated.keys() & found.keys()):
        own = _count_faults(stated[slug], found[slug], copies=copies)
        faults += [f"concept {slug!a}: {fault}" for fault in own]
    total = OverLimits(sum(each.images for each in found.values()))
    for each in found.values():
        total.compared += each.compared
        for name in _COUNTED:
            total.over[name] += each.over[name]
    faults += [
        f"kept: {each}" for each in _count_faults(part_of(report, "kept"), total, copies=copies)
    ]
    release.tree.report_some(OVERLAP_FILE, "report", faults)


def _count_faults(stated: Mapping[str, Any], found: OverLimits, *, copies: bool) -> Iterator[str]:
    """Where a "kept" of the report counts otherwise than metadata.jsonl."""
    if stated.get("images") != found.images:
        yield f"has {found.images} images in {METADATA_FILE}, {stated.get('images')!a} here"
    for name in _COUNTED if copies else _COUNTED[:1]:
        share = part_of(stated, name)
        number = len(found.over[name])
        if share.get("images") != number or share.get("of") != found.images:
            yield f"{name} must be {number} of {found.images}, as {METADATA_FILE} has them"
    like_class = part_of(stated, "like_class").get("images")
    if type(like_class) is not int or not 0 <= like_class <= len(found.over["over_margin"]):
        yield "like_class must be a number of images that are over the margin"
