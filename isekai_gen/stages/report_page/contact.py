"""Kept images of each group, fictional beside real: evenly spaced, not picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isekai_gen.prompts.catalog import Group
from isekai_gen.records import Concept, ImageRecord
from isekai_gen.stages.report_numbers import ReportNumbers
from isekai_gen.stages.report_page.markup import (
    Html,
    joined,
    paragraph,
    picture,
    section,
    text,
)
from isekai_gen.stages.report_pictures import ShowImage
from isekai_gen.stages.status import Counts


@dataclass(frozen=True, eq=False)
class ContactPictures:
    """The pictures that are shown.

    Attributes:
        groups: The groups, in the order of the catalog.
        images: Slug to the kept images that are shown.
        show: Makes thumbnails.
    """

    groups: Sequence[Group]
    images: Mapping[str, Sequence[ImageRecord]]
    show: ShowImage


def contact_section(numbers: ReportNumbers, pictures: ContactPictures) -> Html:
    """A contact sheet of every group that there is room for."""
    intro = "Every picture is generated and kept; evenly spaced over the kept ones, not picked."
    there = len(numbers.catalog.groups)
    left = there - len(pictures.groups)
    more = f" {len(pictures.groups):,} of {there:,} groups, evenly spaced." if left else ""
    return section(
        "contact",
        "Contact sheets",
        paragraph(intro + more, "facts"),
        *(_sheet(group, numbers, pictures) for group in pictures.groups),
    )


def _sheet(group: Group, numbers: ReportNumbers, pictures: ContactPictures) -> Html:
    sides = [
        _side(concept, numbers.status.by_concept[concept.slug], pictures)
        for concept in (group.fictional, group.real)
        if concept.slug in numbers.status.by_concept
    ]
    return joined([Html('<div class="sheet">'), *sides, Html("</div>")])


def _side(concept: Concept, counts: Counts, pictures: ContactPictures) -> Html:
    images = pictures.images.get(concept.slug, ())
    tiles = [
        picture(
            pictures.show(record), f"{concept.name}, {number} of {len(images)}", record.image_id
        )
        for number, record in enumerate(images, start=1)
    ]
    kept = f"{counts.kept:,} kept of {counts.generated:,}"
    return joined(
        [
            Html(f'<div class="{concept.kind}">'),
            Html(f"<h3>{text(concept.name)} <small>{concept.kind} · {kept}</small></h3>"),
            Html('<div class="tiles">'),
            *(tiles or [paragraph("No image is kept.", "facts")]),
            Html("</div>\n</div>"),
        ]
    )
