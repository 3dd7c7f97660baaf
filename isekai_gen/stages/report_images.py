"""Which images the report looks at, chosen by a rule: evenly spaced over those there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from isekai_gen.records import ImageRecord, select_kept
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.part_verdicts import read_verdicts_on
from isekai_gen.stages.status import Status

# Two million pairs: enough for a histogram, and made in a second.
_SAMPLED_CONCEPTS, _SAMPLED_IMAGES = 200, 2000


@dataclass(frozen=True)
class Wanted:
    """What to look for.

    Attributes:
        shown: Slug to how many of its kept images are shown.
        named: Ids of images that are shown whatever became of them.
    """

    shown: Mapping[str, int]
    named: Collection[str]


@dataclass(frozen=True, eq=False)
class ReportImages:
    """What was found in one pass over the records.

    Attributes:
        concept_of: Id of every generated image to its concept.
        shown: Slug to the kept images that are shown.
        named: Id to image, for those named.
        sampled: Ids of generated images whose pairs stand for all, by concept.
    """

    concept_of: dict[str, str] = field(default_factory=dict)
    shown: dict[str, list[ImageRecord]] = field(default_factory=dict)
    named: dict[str, ImageRecord] = field(default_factory=dict)
    sampled: dict[str, list[str]] = field(default_factory=dict)


def find_images(context: StageContext, status: Status, wanted: Wanted) -> ReportImages:
    """Read every record once; memory holds one shard of them, and the ids of all.

    Raises:
        ChecksumError: If files cannot be read.
    """
    workspace = context.workspace
    decisions = read_decisions(workspace)
    search = _Search(_numbers_shown(status, wanted), _numbers_sampled(status), wanted.named)
    with context.reporter.task("Reading images", status.total.generated) as advance:
        for part in workspace.parts("records"):
            records = [each for each in read_drawn_part(workspace, part) if each.generated]
            kept, _ = select_kept(records, read_verdicts_on(workspace, part), decisions)
            search.look_at(records, frozenset(kept))
            advance(len(records))
    return search.found


_Numbers = Mapping[str, frozenset[int]]
"""Slug to which of its images, counted in the order of the records."""


@dataclass(eq=False)
class _Search:
    """What is looked for, how far it has come, and what was found."""

    shown: _Numbers
    sampled: _Numbers
    named: Collection[str]
    found: ReportImages = field(default_factory=ReportImages)
    seen: Counter[str] = field(default_factory=Counter)
    seen_kept: Counter[str] = field(default_factory=Counter)

    def look_at(self, records: Sequence[ImageRecord], kept: Collection[str]) -> None:
        """The generated images of the next shard, and which of them are kept."""
        for record in records:
            slug, image_id = record.concept, record.image_id
            self.found.concept_of[image_id] = slug
            if image_id in self.named:
                self.found.named[image_id] = record
            if self.seen[slug] in self.sampled.get(slug, ()):
                self.found.sampled.setdefault(slug, []).append(image_id)
            self.seen[slug] += 1
            if image_id not in kept:
                continue
            if self.seen_kept[slug] in self.shown.get(slug, ()):
                self.found.shown.setdefault(slug, []).append(record)
            self.seen_kept[slug] += 1


def _numbers_shown(status: Status, wanted: Wanted) -> _Numbers:
    """Which of its kept images."""
    return {
        slug: frozenset(evenly_spaced(status.by_concept[slug].kept, count))
        for slug, count in wanted.shown.items()
    }


def _numbers_sampled(status: Status) -> _Numbers:
    """Which of its generated images, of some concepts."""
    slugs = list(status.by_concept)
    chosen = [slugs[number] for number in evenly_spaced(len(slugs), _SAMPLED_CONCEPTS)]
    each = _SAMPLED_IMAGES // max(1, len(chosen))
    return {
        slug: frozenset(evenly_spaced(status.by_concept[slug].generated, each)) for slug in chosen
    }


def evenly_spaced(there: int, wanted: int) -> Sequence[int]:
    """Up to `wanted` of the numbers below `there`, 0 included, at equal distances."""
    count = min(there, wanted)
    return [number * there // count for number in range(count)]
