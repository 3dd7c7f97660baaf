"""What a workspace holds and what is left; the numbers add up, per concept and in total.

planned = generated + failed + pending; generated = kept + dropped by each filter or by a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.records import Decision, ImageRecord, PlannedImage, select_kept
from isekai_gen.shards import read_appended
from isekai_gen.stages.context import require_plan
from isekai_gen.stages.curate import read_verdicts
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.stages.plan_files import read_plan
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
    """Counts in total and by concept (slug), in the order of the plan.

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
        ChecksumError: If files cannot be read.
    """
    require_plan(workspace)
    planned, records = read_plan(workspace), read_drawn(workspace)
    verdicts = read_verdicts(workspace)
    decisions = read_appended(workspace.decisions_file, Decision)
    _, dropped = select_kept(records, verdicts, decisions)
    slugs = list(dict.fromkeys(image.concept for image in planned))
    by_concept = {
        slug: _count(
            [image for image in planned if image.concept == slug],
            [record for record in records if record.concept == slug],
            dropped,
        )
        for slug in slugs
    }
    generated = [record.image_id for record in records if record.generated]
    unjudged = {
        name: sum(image_id not in judged for image_id in generated)
        for name, judged in verdicts.items()
        if judged
    }
    return Status(
        total=_count(planned, records, dropped),
        by_concept=by_concept,
        unjudged={name: count for name, count in unjudged.items() if count},
    )


def _count(
    planned: Sequence[PlannedImage], records: Iterable[ImageRecord], dropped: Mapping[str, str]
) -> Counts:
    ids = {image.image_id for image in planned}
    drawn = [record for record in records if record.image_id in ids]
    generated = [record.image_id for record in drawn if record.generated]
    by = Counter(dropped[image_id] for image_id in generated if image_id in dropped)
    return Counts(
        planned=len(planned),
        generated=len(generated),
        failed=len(drawn) - len(generated),
        pending=len(planned) - len(drawn),
        kept=len(generated) - by.total(),
        dropped=dict(sorted(by.items())),
    )
