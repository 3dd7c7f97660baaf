"""What a workspace holds and what is left; the numbers add up, per concept and in total.

planned = generated + failed + pending; generated = kept + dropped by each filter or by a person.

A workspace may hold a million images, so finished shards are counted by their done-markers; only
shards that are not finished are read. Files are taken for whole if they are there and older than
their marker: hashing everything is the business of `generate`, `release build` and `release
verify`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isekai_gen.stages.context import require_plan
from isekai_gen.stages.dropped_counts import count_dropped
from isekai_gen.stages.part_counts import PartCounts, count_part
from isekai_gen.stages.plan_files import check_complete
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class Counts:
    """Numbers of images.

    Attributes:
        planned: All.
        generated: With a picture.
        failed: Without, with a reason.
        pending: Not drawn yet.
        kept: Generated and dropped by nobody.
        dropped: Name of a filter, or "person", to images it dropped.
    """

    planned: int
    generated: int
    failed: int
    pending: int
    kept: int
    dropped: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**self.__dict__, "dropped": dict(self.dropped)}


@dataclass(frozen=True)
class Status:
    """Counts in total and by concept (slug), in the order of the slugs.

    Attributes:
        total: All concepts together.
        by_concept: Slug to its counts.
        unjudged: Filter to generated images that it has no verdict on, if it has any at all.
    """

    total: Counts
    by_concept: Mapping[str, Counts]
    unjudged: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """The form of `status --json`: the totals, and `by_concept` with the same keys."""
        by_concept = {slug: counts.to_json() for slug, counts in self.by_concept.items()}
        return {**self.total.to_json(), "by_concept": by_concept}


def read_status(workspace: Workspace) -> Status:
    """Count a workspace; needs no lock and changes nothing.

    Raises:
        InputError: If there is no plan.
        ChecksumError: If files are missing or damaged, as far as their times of writing tell.
    """
    require_plan(workspace)
    check_complete(workspace)
    parts = {part: count_part(workspace, part) for part in workspace.parts("plan")}
    dropped = count_dropped(workspace, parts)
    total = PartCounts(Counter(), Counter(), Counter())
    for part in parts.values():
        total.planned.update(part.planned)
        total.generated.update(part.generated)
        total.failed.update(part.failed)
    by_concept = {
        slug: _counts(
            total.planned[slug],
            total.generated[slug],
            total.failed[slug],
            dropped.by_concept.get(slug, Counter()),
        )
        for slug in sorted(total.planned)
    }
    return Status(
        total=_counts(
            total.planned.total(),
            total.generated.total(),
            total.failed.total(),
            sum(dropped.by_concept.values(), Counter()),
        ),
        by_concept=by_concept,
        unjudged={name: count for name, count in dropped.unjudged.items() if count},
    )


def _counts(planned: int, generated: int, failed: int, dropped: Counter[str]) -> Counts:
    return Counts(
        planned=planned,
        generated=generated,
        failed=failed,
        pending=planned - generated - failed,
        kept=generated - dropped.total(),
        dropped=dict(sorted(dropped.items())),
    )
