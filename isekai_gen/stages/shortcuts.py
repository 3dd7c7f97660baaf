"""reports/shortcuts.json: which concepts their context alone gives away, and by which words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.evaluation.results import Evaluation
from isekai_gen.evaluation.shortcut import MARGIN, ShortcutMeasure
from isekai_gen.evaluation.shortcut_slots import SlotAssociation, associated_slots
from isekai_gen.prompts.pattern import OWN_SLOTS
from isekai_gen.records import SCHEMA
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.diversified import DIVERSIFIED
from isekai_gen.stages.reporting import first_few
from isekai_gen.stages.selection import select
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

_SLOTS_TOLD = 3
"""Of each flagged concept; the rest go with it less."""


@dataclass(frozen=True)
class OverUsed:
    """A slot value that is much more frequent among a flagged concept's images than elsewhere.

    Attributes:
        concept: Slug.
        slot: As prompts bind it.
        value: The over-used one.
    """

    concept: str
    slot: str
    value: str


@dataclass(frozen=True)
class ShortcutFlags:
    """What reports/shortcuts.json says of flagged concepts.

    Attributes:
        flagged: Slugs, sorted.
        over_used: The most telling over-used value of each, for those that have one.
    """

    flagged: tuple[str, ...]
    over_used: tuple[OverUsed, ...]


def shortcuts_file(workspace: Workspace) -> Path:
    """reports/shortcuts.json of a workspace."""
    return workspace.reports / "shortcuts.json"


def write_shortcuts(context: StageContext, evaluation: Evaluation) -> Path:
    """Write the report, in place of an earlier one, and say which concepts are flagged.

    A concept is flagged if it is by one of the models, under the last of the metrics ("strict",
    unless another alone was asked for).

    Args:
        context: Its workspace has the images; the caller holds its lock.
        evaluation: With counterfactual samples.
    """
    if evaluation.shortcuts is None:
        raise ValueError("the evaluation asked no counterfactual samples")
    metric = evaluation.metrics[-1]
    models = evaluation.shortcuts.models
    found = {model.name: model.by_concept(metric) for model in models}
    flagged = sorted(
        {slug for concepts in found.values() for slug, each in concepts.items() if each.flagged}
    )
    slots = _slots_of(context, flagged)
    content = {
        "schema": SCHEMA,
        "manifest": {"name": evaluation.asked.name, "sha256": evaluation.asked.digest},
        "shots": evaluation.shortcuts.shots,
        "seed": evaluation.seed,
        "metric": metric,
        "margin": MARGIN,
        "total": {model.name: model.total(metric).to_json() for model in models},
        "concepts": _concepts(found, slots),
    }
    path = shortcuts_file(context.workspace)
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    write_atomically(path, f"{text}\n".encode())
    context.reporter.note(_told(slots))
    return path


def read_shortcuts(workspace: Workspace) -> ShortcutFlags:
    """The flags of the last evaluation with counterfactual samples.

    Raises:
        InputError: If there was none, or the file is not as it was written.
    """
    path = shortcuts_file(workspace)
    remedy = "run `isekai-gen evaluate --counterfactuals` first"
    try:
        content = json.loads(path.read_bytes())
        rows = [row for row in content["concepts"] if row["flagged"] is True]
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']!r} is not {SCHEMA}")
        flagged = tuple(_text(row["concept"]) for row in rows)
        over_used = [
            OverUsed(_text(row["concept"]), _text(slot["slot"]), _text(slot["value"]))
            for row in rows
            for slot in [next((each for each in row["slots"] if each["over_used"]), None)]
            if slot is not None
        ]
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; {remedy}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is not as it was written ({error}); {remedy}") from error
    return ShortcutFlags(flagged, tuple(over_used))


def _slots_of(context: StageContext, flagged: Sequence[str]) -> dict[str, list[SlotAssociation]]:
    """Flagged concept to its most telling slots, over the kept images."""
    if not flagged:
        return {}
    images = {
        slug: [_bindings(record.planned.slots) for record in records]
        for slug, records in select(context).kept_by_concept().items()
    }
    return {
        slug: associated_slots(
            images[slug],
            [each for other, rows in images.items() if other != slug for each in rows],
            OWN_SLOTS,
        )[:_SLOTS_TOLD]
        for slug in flagged
    }


def _bindings(slots: Mapping[str, str]) -> dict[str, str]:
    """Without what diversification says of itself."""
    return {slot: value for slot, value in slots.items() if slot != DIVERSIFIED}


def _concepts(
    found: Mapping[str, Mapping[str, ShortcutMeasure]],
    slots: Mapping[str, Sequence[SlotAssociation]],
) -> list[dict[str, Any]]:
    slugs = sorted({slug for concepts in found.values() for slug in concepts})
    return [
        {
            "concept": slug,
            "flagged": slug in slots,
            "models": {
                name: concepts[slug].to_json()
                for name, concepts in found.items()
                if slug in concepts
            },
            "slots": [each.to_json() for each in slots.get(slug, ())],
        }
        for slug in slugs
    ]


def _told(slots: Mapping[str, Sequence[SlotAssociation]]) -> str:
    if not slots:
        return "No concept is given away by its context alone"
    told = [
        slug
        + "".join(
            f" ({each.slot} = {each.value!r} in {100 * each.share_within:.0f} % of its images, "
            f"{100 * each.share_elsewhere:.0f} % of others)"
            for each in found[:1]
            if each.over_used
        )
        for slug, found in slots.items()
    ]
    return f"{len(told)} concept(s) are given away by their context alone: {first_few(told, '; ')}"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
