"""Numbers of images of one shard, by concept: from its done-markers where it is finished."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from isekai_gen.shards import check_part, modified_ns, read_marker
from isekai_gen.stages import plan_files
from isekai_gen.stages.drawn import STAGE, read_drawn_part
from isekai_gen.stages.plan_lines import read_heads
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class PartCounts:
    """Images of one shard by concept slug.

    Attributes:
        planned: All.
        generated: With a picture.
        failed: Without, with a reason.
    """

    planned: Counter[str]
    generated: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


def count_part(workspace: Workspace, part: int) -> PartCounts:
    """Count a planned shard.

    Raises:
        ChecksumError: If a file is damaged, as far as its time of writing tells.
    """
    plan = read_marker(workspace, plan_files.STAGE, part)
    if plan is not None:
        written = modified_ns(workspace.done(plan_files.STAGE, part))
        check_part(workspace.part("plan", part), plan, written)
    planned = plan_files.count_planned(workspace, part)
    records = workspace.part("records", part)
    marker = read_marker(workspace, STAGE, part)
    if not records.exists():
        return PartCounts(planned)  # begun by no one yet, or lost: `generate` draws it again
    if marker is None or not marker.by_concept:
        return _count_records(workspace, part, planned)
    check_part(records, marker, modified_ns(workspace.done(STAGE, part)))
    by_concept = marker.by_concept.items()
    return PartCounts(
        planned,
        generated=Counter({slug: counts["generated"] for slug, counts in by_concept}),
        failed=Counter({slug: counts["failed"] for slug, counts in by_concept}),
    )


def _count_records(workspace: Workspace, part: int, planned: Counter[str]) -> PartCounts:
    """The counts of a shard that is being drawn, or was finished by an older version."""
    ids = {image.image_id for image in plan_files.read_plan_part(workspace, part)}
    counts = PartCounts(planned)
    for record in read_drawn_part(workspace, part):
        if record.image_id in ids:
            counted = counts.generated if record.generated else counts.failed
            counted[record.concept] += 1
    return counts


def generated_images(workspace: Workspace, part: int, counts: PartCounts) -> dict[bytes, bytes]:
    """Id to concept of every generated image of a shard that `count_part` counted.

    Both as bytes: a million texts would take as long to decode as to find.
    """
    if counts.generated == counts.planned:
        heads = read_heads(workspace.part("plan", part).read_bytes())
        return {head.image_id: head.concept for head in heads}
    return {
        record.image_id.encode(): record.concept.encode()
        for record in read_drawn_part(workspace, part)
        if record.generated
    }
