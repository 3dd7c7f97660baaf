"""The numbers that must add up: planned = generated + failed + pending, generated = kept + dropped.

The same shape as `isekai-gen status --json`: planned, generated, failed, pending, kept,
dropped {filter: n}, by_concept {slug: {the same}}.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from isekai_gen.records import ImageRecord
from isekai_gen.release.content import ReleaseContent

_NUMBERS = ("planned", "generated", "failed", "pending", "kept")


def count_images(content: ReleaseContent) -> dict[str, Any]:
    """The conservation numbers, in total and by concept."""
    by_concept: dict[str, list[ImageRecord]] = {concept.slug: [] for concept in content.concepts}
    for record in content.records:
        by_concept[record.concept].append(record)
    counts = _count(content, sum(content.planned.values()), content.records)
    counts["by_concept"] = {
        slug: _count(content, content.planned.get(slug, 0), records)
        for slug, records in by_concept.items()
    }
    return counts


def _count(content: ReleaseContent, planned: int, records: Iterable[ImageRecord]) -> dict[str, Any]:
    generated = [record.image_id for record in records if record.generated]
    failed = sum(not record.generated for record in records)
    dropped = Counter(content.dropped[key].by for key in generated if key in content.dropped)
    return {
        "planned": planned,
        "generated": len(generated),
        "failed": failed,
        "pending": planned - len(generated) - failed,
        "kept": len(generated) - dropped.total(),
        "dropped": dict(sorted(dropped.items())),
    }


def check_counts(counts: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """Where numbers, as read from a release, do not add up; empty if they all do."""
    if not isinstance(counts, Mapping) or not isinstance(counts.get("by_concept"), Mapping):
        return ["counts must be an object with by_concept"]
    by_concept = counts["by_concept"]
    parts = {"in total": counts} | {f"of {slug!a}": part for slug, part in by_concept.items()}
    faults = [f"{fault} {where}" for where, part in parts.items() for fault in _check_part(part)]
    if faults:
        return faults
    for name in _NUMBERS:
        if counts[name] != sum(part[name] for part in by_concept.values()):
            faults.append(f"{name} of all concepts do not sum up to the total")
    dropped: Counter[str] = Counter()
    for part in by_concept.values():
        dropped.update(part["dropped"])
    if dropped != Counter(counts["dropped"]):
        faults.append("dropped of all concepts do not sum up to the total")
    return faults


def _check_part(part: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    if not isinstance(part, Mapping) or not isinstance(part.get("dropped"), Mapping):
        return ["counts must be an object with dropped"]
    numbers = [part.get(name) for name in _NUMBERS] + list(part["dropped"].values())
    if not all(type(number) is int and number >= 0 for number in numbers):
        return ["counts must be whole numbers from 0"]
    faults = []
    if part["planned"] != part["generated"] + part["failed"] + part["pending"]:
        faults.append("planned is not generated + failed + pending")
    if part["generated"] != part["kept"] + sum(part["dropped"].values()):
        faults.append("generated is not kept + dropped")
    return faults
