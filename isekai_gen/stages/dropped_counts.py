"""How many generated images are dropped, by whom, and how many nobody judged yet.

The rule is `records.select_kept`; this is the same for a million images, shard by shard, from the
lines of verdicts instead of parsed records. A shard's verdicts usually speak of its own images
only. They do not after the plan was replaced and before filters judge again: such a filter's
verdicts are then looked up wherever they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from isekai_gen.errors import ChecksumError
from isekai_gen.filters import all_filters
from isekai_gen.records import Verdict, last_decisions
from isekai_gen.shards import check_part, modified_ns, read_marker, read_records
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.stages.part_counts import PartCounts, generated_images
from isekai_gen.stages.plan_lines import ID_DIGITS
from isekai_gen.workspace import Workspace

_DROPS = b'"keep": false'
PERSON = "person"


class Judged(NamedTuple):
    """What a filter says of the images of a shard.

    Attributes:
        ids: Images with a verdict; ids are 20 hex digits in bytes.
        dropped: Of these, images it drops.
    """

    ids: Set[bytes]
    dropped: Set[bytes]


@dataclass
class DroppedCounts:
    """Numbers of generated images that are dropped or not judged.

    Attributes:
        by_concept: Concept slug to name of a filter, or "person", to images it dropped.
        unjudged: Filter to images without a verdict of it, if it judged any.
        moved: Filters with verdicts on images of other shards than their own.
    """

    by_concept: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unjudged: Counter[str] = field(default_factory=Counter)
    moved: set[str] = field(default_factory=set)


def count_dropped(workspace: Workspace, parts: Mapping[int, PartCounts]) -> DroppedCounts:
    """Apply verdicts and decisions to all generated images.

    Args:
        workspace: Where they are.
        parts: Shard number to its counts.

    Raises:
        ChecksumError: If verdicts or decisions are damaged.
    """
    names = [name for name in all_filters() if workspace.parts(workspace.verdicts(name))]
    decisions = read_decisions(workspace)
    choices = {
        images[0].encode(): decision.choice
        for images, decision in last_decisions(decisions).items()
        if len(images) == 1
    }
    if not names and not choices:
        return DroppedCounts()
    counts = _count(workspace, parts, {name: None for name in names}, choices)
    if counts.moved:
        anywhere = {
            name: _judged_anywhere(workspace, name) if name in counts.moved else None
            for name in names
        }
        counts = _count(workspace, parts, anywhere, choices)
    return counts


def _count(
    workspace: Workspace,
    parts: Mapping[int, PartCounts],
    anywhere: dict[str, Judged | None],
    choices: Mapping[bytes, str],
) -> DroppedCounts:
    """One round over all shards.

    `anywhere` has every filter in the declared order, with its verdicts on all shards if they are
    to be looked up there instead of shard by shard.
    """
    counts = DroppedCounts()
    silent = set(anywhere)
    for part in (part for part in workspace.parts("records") if part in parts):
        concept_by_id = generated_images(workspace, part, parts[part])
        ids = concept_by_id.keys()
        by: dict[bytes, str] = {}
        for name in reversed(anywhere):  # the first in the declared order has the last word
            judged = anywhere[name] or _judged_in(workspace, name, part)
            if anywhere[name] is None and not judged.ids <= ids:
                counts.moved.add(name)
            if judged.ids:
                silent.discard(name)
            counts.unjudged[name] += len(ids - judged.ids)
            by.update(dict.fromkeys(judged.dropped & ids, name))
        for image_id in choices.keys() & ids:
            by.pop(image_id, None)
            if choices[image_id] != "keep":
                by[image_id] = PERSON
        dropped = Counter((concept_by_id[image_id], name) for image_id, name in by.items())
        for (concept, name), images in dropped.items():
            counts.by_concept[concept.decode()][name] += images
    for name in silent:
        del counts.unjudged[name]
    return counts


def _judged_anywhere(workspace: Workspace, name: str) -> Judged:
    """A filter's verdicts on all shards; of two on one image the last one counts."""
    keeps: dict[bytes, bool] = {}
    for part in workspace.parts("records"):
        judged = _judged_in(workspace, name, part)
        keeps.update({image_id: image_id not in judged.dropped for image_id in judged.ids})
    return Judged(keeps.keys(), {image_id for image_id, keep in keeps.items() if not keep})


def _judged_in(workspace: Workspace, name: str, part: int) -> Judged:
    """A filter's verdicts in the file of one shard."""
    folder = workspace.verdicts(name)
    path = workspace.part(folder, part)
    marker = read_marker(workspace, folder, part)
    if marker is None or not path.exists():
        verdicts = read_records(path, Verdict)
        return Judged(
            {verdict.image_id.encode() for verdict in verdicts},
            {verdict.image_id.encode() for verdict in verdicts if not verdict.keep},
        )
    check_part(path, marker, modified_ns(workspace.done(folder, part)))
    # Canonical JSON: whatever the verdict, its line begins so, and a text never holds bare quotes.
    before = f'{{"by": "{name}", "image_id": "'.encode()
    start, end = len(before), len(before) + ID_DIGITS
    lines = path.read_bytes().split(b"\n")[:-1]
    if not all(line.startswith(before) for line in lines):
        raise ChecksumError(f"{path}: holds other lines than verdicts of {name}; judge again")
    return Judged(
        {line[start:end] for line in lines},
        {line[start:end] for line in lines if _DROPS in line},
    )
