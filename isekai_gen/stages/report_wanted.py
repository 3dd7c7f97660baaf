"""Which pictures the report shows: so many that the file stays small, however large the dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.prompts.catalog import Catalog, Group
from isekai_gen.stages.report_images import evenly_spaced
from isekai_gen.stages.report_sources import DuplicateFindings
from isekai_gen.stages.status import Status

MAX_PICTURES = 600
DUPLICATE_GROUPS, MEMBERS = 12, 8
_CONTACT_PICTURES = MAX_PICTURES - DUPLICATE_GROUPS * MEMBERS
# Fictional and real pictures of a group: as many as there is room for.
_PER_GROUP = ((8, 4), (6, 3), (4, 2), (2, 1), (1, 1))


@dataclass(frozen=True)
class WantedPictures:
    """What is shown.

    Attributes:
        groups: Groups of the catalog with a contact sheet, in its order.
        per_concept: Slug to kept images shown at most.
        duplicates: Lines of groups.jsonl that are shown.
        members: Ids of the images that are shown of those.
    """

    groups: Sequence[Group]
    per_concept: Mapping[str, int]
    duplicates: Sequence[Mapping[str, Any]]
    members: frozenset[str]


def wanted_pictures(
    catalog: Catalog, status: Status, duplicates: DuplicateFindings | None
) -> WantedPictures:
    """A choice by rule: evenly spaced groups, and the largest duplicate groups.

    At most `MAX_PICTURES` pictures.
    """
    planned = [group for group in catalog.groups if _slugs(group) & status.by_concept.keys()]
    fictional, real = next(
        (pair for pair in _PER_GROUP if len(planned) * sum(pair) <= _CONTACT_PICTURES),
        _PER_GROUP[-1],
    )
    room = _CONTACT_PICTURES // (fictional + real)
    groups = [planned[number] for number in evenly_spaced(len(planned), room)]
    per_concept: dict[str, int] = {}
    for group in groups:
        for concept, count in ((group.fictional, fictional), (group.real, real)):
            if concept.slug in status.by_concept:
                per_concept[concept.slug] = max(count, per_concept.get(concept.slug, 0))
    rows = duplicates.groups[:DUPLICATE_GROUPS] if duplicates else []
    members = frozenset(image_id for row in rows for image_id in shown_members(row))
    return WantedPictures(groups, per_concept, rows, members)


def shown_members(row: Mapping[str, Any]) -> list[str]:
    """The representative first, then other members, up to `MEMBERS`."""
    first: str = row["representative"]
    return [first, *(image_id for image_id in row["members"] if image_id != first)][:MEMBERS]


def _slugs(group: Group) -> set[str]:
    return {group.fictional.slug, group.real.slug}
