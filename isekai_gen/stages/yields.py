"""Which share of the generated images is kept: by concept, by template, by word of the prompt.

A word is a value of a slot, such as place = "at night". The slots that a concept fills itself are
left out, since they say no more than the concept does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from isekai_gen.intervals import wilson_interval
from isekai_gen.records import ImageRecord, PlannedImage, select_kept
from isekai_gen.stages.context import require_plan
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.part_verdicts import read_verdicts_on
from isekai_gen.workspace import Workspace

Kind = Literal["total", "concept", "template", "slot"]
_Key = tuple[Kind, str, str]

_TOTAL: _Key = ("total", "", "")
_CONCEPT_SLOTS = frozenset({"name", "short", "description", "concept_negative"})
# Variants without a name are numbered within their template: v1 of another is something else.
_UNNAMED = re.compile(r"v\d+")
_KEPT = ""  # no filter has an empty name
_DIGITS = 6


@dataclass(frozen=True)
class Yield:
    """How many of some images are kept.

    Attributes:
        kind: What the images have in common.
        name: Concept slug, template id or slot name; "" for the total.
        value: The slot's value; "" for other kinds.
        generated: Images with a picture.
        kept: Of these, kept.
        dropped: Name of a filter, or "person", to images it dropped.
    """

    kind: Kind
    name: str
    value: str
    generated: int
    kept: int
    dropped: Mapping[str, int]

    @property
    def share(self) -> float:
        """Part of the images that is kept, in [0, 1]; 0 if nothing was generated."""
        return self.kept / self.generated if self.generated else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share; see `intervals.wilson_interval`."""
        interval = wilson_interval(self.kept, self.generated)
        return interval.low, interval.high

    @property
    def label(self) -> str:
        """For people: "concept cactihog", "template photo", "place = at night"."""
        if self.kind == "slot":
            return f"{self.name} = {self.value or '(nothing)'}"
        return f"{self.kind} {self.name}".rstrip()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict with the share and its interval."""
        low, high = self.interval
        return {
            "name": self.name,
            "value": self.value,
            "generated": self.generated,
            "kept": self.kept,
            "dropped": dict(self.dropped),
            "yield": round(self.share, _DIGITS),
            "yield_low": round(low, _DIGITS),
            "yield_high": round(high, _DIGITS),
        }


@dataclass(frozen=True)
class YieldReport:
    """The yields of a workspace, those that are surely low first.

    Attributes:
        total: All images.
        by_concept: One for each concept that has generated images.
        by_template: One for each template.
        by_slot_value: One for each value of each slot.
        judged: Filter to images that it has a verdict on, for filters that ran.
    """

    total: Yield
    by_concept: tuple[Yield, ...]
    by_template: tuple[Yield, ...]
    by_slot_value: tuple[Yield, ...]
    judged: Mapping[str, int]

    @property
    def worst_words(self) -> list[Yield]:
        """Templates and slot values that lose images, worst first."""
        losing = [y for y in (*self.by_template, *self.by_slot_value) if y.kept < y.generated]
        return sorted(losing, key=_worst_first)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "total": self.total.to_json(),
            "by_concept": [entry.to_json() for entry in self.by_concept],
            "by_template": [entry.to_json() for entry in self.by_template],
            "by_slot_value": [entry.to_json() for entry in self.by_slot_value],
            "judged": dict(self.judged),
        }


def read_yields(workspace: Workspace) -> YieldReport:
    """The yields by the verdicts and decisions on disk; needs no lock and changes nothing.

    Memory does not grow with the number of images: one part is read at a time.

    Raises:
        InputError: If there is no plan.
        ChecksumError: If files cannot be read.
    """
    require_plan(workspace)
    decisions = read_decisions(workspace)
    tally, judged = _Tally(), Counter[str]()
    for part in workspace.parts("records"):
        records = read_drawn_part(workspace, part)
        verdicts = read_verdicts_on(workspace, part)
        _, dropped = select_kept(records, verdicts, decisions)
        tally.add(records, dropped)
        judged.update({name: len(found) for name, found in verdicts.items() if found})
    return tally.report(judged)


@dataclass
class _Tally:
    """Fates of images, counted under everything they have in common with others."""

    fates: dict[_Key, Counter[str]] = field(default_factory=dict)

    def add(self, records: Iterable[ImageRecord], dropped: Mapping[str, str]) -> None:
        for record in records:
            if record.generated:
                fate = dropped.get(record.image_id, _KEPT)
                for key in _keys(record.planned):
                    self.fates.setdefault(key, Counter())[fate] += 1

    def report(self, judged: Mapping[str, int]) -> YieldReport:
        return YieldReport(
            total=_yield(_TOTAL, self.fates.get(_TOTAL, {})),
            by_concept=self._sorted("concept"),
            by_template=self._sorted("template"),
            by_slot_value=self._sorted("slot"),
            judged=judged,
        )

    def _sorted(self, kind: Kind) -> tuple[Yield, ...]:
        found = [_yield(key, fates) for key, fates in self.fates.items() if key[0] == kind]
        return tuple(sorted(found, key=_worst_first))


def _keys(image: PlannedImage) -> set[_Key]:
    """What an image counts under; a word that it has twice counts once."""
    keys: set[_Key] = {
        _TOTAL,
        ("concept", image.concept, ""),
        ("template", image.template, ""),
    }
    for slot, value in image.slots.items():
        if slot not in _CONCEPT_SLOTS:
            # "creature#2" is the second use of the same list.
            name = slot.partition("#")[0]
            if _UNNAMED.fullmatch(name):
                name = f"{image.template}/{name}"
            keys.add(("slot", name, value))
    return keys


def _yield(key: _Key, fates: Mapping[str, int]) -> Yield:
    dropped = {by: number for by, number in sorted(fates.items()) if by != _KEPT}
    kept = fates.get(_KEPT, 0)
    return Yield(*key, generated=kept + sum(dropped.values()), kept=kept, dropped=dropped)


def _worst_first(entry: Yield) -> tuple[float, int, str, str]:
    """By the upper end of the interval: one image dropped out of one proves little."""
    return entry.interval[1], entry.kept - entry.generated, entry.name, entry.value
