"""What dedupe found: how many, and the largest groups with their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.records import ImageRecord
from isekai_gen.stages.report_numbers import ReportNumbers
from isekai_gen.stages.report_page.markup import (
    Html,
    Table,
    joined,
    not_measured,
    number,
    paragraph,
    picture,
    section,
    table,
    text,
)
from isekai_gen.stages.report_pictures import ShowImage
from isekai_gen.stages.report_wanted import shown_members


@dataclass(frozen=True, eq=False)
class GroupPictures:
    """The duplicate groups that are shown.

    Attributes:
        rows: Their lines of groups.jsonl.
        images: Id to image, for all of their members that are shown.
        show: Makes thumbnails.
    """

    rows: Sequence[Mapping[str, Any]]
    images: Mapping[str, ImageRecord]
    show: ShowImage


def duplicates_section(numbers: ReportNumbers, groups: GroupPictures) -> Html:
    """The sums of dedupe, the largest groups, and prompts that give one picture."""
    found = numbers.duplicates
    if found is None:
        return section("duplicates", "Duplicates", not_measured("isekai-gen dedupe"))
    said = found.summary
    sums = (
        f"images {said['images']:,} = dropped before {said['dropped_before']:,} + judged "
        f"{said['judged']:,}; judged {said['judged']:,} = kept {said['kept']:,} + dropped "
        f"{said['dropped']:,}"
    )
    facts = (
        f"Groups of duplicates: {said['groups']:,}. Pairs of kept images for people to look at: "
        f"{said['review_pairs']:,}. Prompts that give nearly the same picture whatever the seed: "
        f"{said['memorized']:,}."
    )
    left = len(found.groups) - len(groups.rows)
    more = [paragraph(f"and {left:,} smaller groups", "facts")] if left > 0 else []
    return section(
        "duplicates",
        "Duplicates",
        paragraph(sums, "sums"),
        paragraph(facts),
        *(_group(row, groups) for row in groups.rows),
        *more,
        *([_sizes(found.groups)] if found.groups else []),
    )


def _group(row: Mapping[str, Any], groups: GroupPictures) -> Html:
    members = [image_id for image_id in shown_members(row) if image_id in groups.images]
    tiles = [_tile(groups.images[i], i == row["representative"], groups.show) for i in members]
    left = len(row["members"]) - len(members)
    more = f"; {left:,} not shown" if left else ""
    exact = "" if row["diameter_is_exact"] else " at most"
    words = (
        f"{len(row['members']):,} images, the least similar two{exact} at {row['diameter']:.4f}"
        f"{more}"
    )
    return joined([Html('<div class="group">'), paragraph(words), *tiles, Html("</div>")])


def _tile(record: ImageRecord, representative: bool, show: ShowImage) -> Html:
    role = "representative" if representative else "member"
    image = picture(show(record), f"{record.concept}, {role}", record.image_id)
    caption = text(f"{record.concept}{', representative' if representative else ''}")
    return Html(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")


def _sizes(groups: Sequence[Mapping[str, Any]]) -> Html:
    counts: dict[int, int] = {}
    for row in groups:
        counts[len(row["members"])] = counts.get(len(row["members"]), 0) + 1
    rows = [(number(size), number(count)) for size, count in sorted(counts.items())]
    return table(Table("Groups by size", ("images", "groups"), rows, frozenset({1})))
