"""What `topup --diversify` changes: flagged concepts get images with other words.

Images drawn before stay. A concept that its context alone gives away (reports/shortcuts.json) gets
further ones whose prompts leave out the slot value that most of its images share, as many as make
that value's share among them sink to a limit. If the concept's own list has no other value, those
of the file's list of that name and of other concepts are borrowed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from isekai_gen.hashing import file_sha256
from isekai_gen.prompts.nodes import Literal
from isekai_gen.records import Concept
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.diversified import Diversification, read_diversified, write_diversified
from isekai_gen.stages.reporting import first_few
from isekai_gen.stages.selection import select
from isekai_gen.stages.shortcuts import OverUsed, read_shortcuts, shortcuts_file
from isekai_gen.stages.words import Words
from isekai_gen.workspace import Workspace

MAX_VALUE_SHARE = 0.5
"""Share of a concept's images that an over-used value may keep, unless the user says otherwise."""


@dataclass(frozen=True)
class _Change:
    """What is to be done about a value, or why nothing can be."""

    over_used: OverUsed
    values: tuple[str, ...]
    borrowed: bool
    count: int

    @property
    def obstacle(self) -> str:
        if not self.values:
            return (
                f"{self.over_used.slot} is no list or attribute with another value of plain words"
            )
        if self.count < 1:
            return f"{self.over_used.value!r} is in few enough of its images already"
        return ""


def open_diversifications(
    context: StageContext, words: Words, planned: Mapping[str, int], max_value_share: float
) -> None:
    """Write down what new images of flagged concepts take, and say so; once for each report.

    Args:
        context: The caller holds the workspace's lock.
        words: Catalog and templates of the run.
        planned: Slug to images planned.
        max_value_share: What an over-used value's share is to sink to, in (0, 1).

    Raises:
        InputError: If there is no report of shortcuts.
    """
    workspace, note = context.workspace, context.reporter.note
    flags = read_shortcuts(workspace)
    report = file_sha256(shortcuts_file(workspace))
    before = read_diversified(workspace)
    if any(line.shortcuts == report for line in before):
        note(
            "The flags of reports/shortcuts.json were acted on before; evaluate with new "
            "counterfactual samples to see what is left"
        )
        return
    if not flags.flagged:
        note("Nothing to diversify: no concept is given away by its context alone")
        return
    changes = _changes(context, words, flags.over_used, before, max_value_share)
    opened = [
        Diversification(
            concept=change.over_used.concept,
            slot=change.over_used.slot,
            avoided=change.over_used.value,
            values=change.values,
            borrowed=change.borrowed,
            first=planned[change.over_used.concept],
            count=change.count,
            shortcuts=report,
        )
        for change in changes
        if not change.obstacle
    ]
    if opened:
        write_diversified(workspace, [*before, *opened])
    for line in opened:
        note(told(line))
    _note_rest(context, flags.flagged, changes)


def diversified_end(workspace: Workspace, slug: str) -> int:
    """Images of a concept that diversifications asked for, counted from its first; 0 if none."""
    lines = read_diversified(workspace)
    return max((line.end for line in lines if line.concept == slug), default=0)


def told(line: Diversification) -> str:
    """One line of what a diversification does."""
    source = "borrowed" if line.borrowed else "own"
    return (
        f"{line.concept}: {line.count} further images without {line.slot} = {line.avoided!r}; "
        f"{len(line.values)} {source} values instead ({first_few(line.values)})"
    )


def _note_rest(context: StageContext, flagged: Sequence[str], changes: Sequence[_Change]) -> None:
    """Say of which flagged concepts nothing is changed, and why."""
    for change in changes:
        if change.obstacle:
            context.reporter.note(f"{change.over_used.concept}: not diversified: {change.obstacle}")
    for slug in sorted(set(flagged) - {change.over_used.concept for change in changes}):
        context.reporter.note(
            f"{slug}: not diversified: no slot value is much more frequent in its images than in "
            "others; look at what its background shares"
        )


def _changes(
    context: StageContext,
    words: Words,
    over_used: Sequence[OverUsed],
    before: Sequence[Diversification],
    max_value_share: float,
) -> list[_Change]:
    concepts = {concept.slug: concept for concept in words.catalog.concepts}
    kept = select(context).kept_by_concept()
    changes = []
    for each in over_used:
        if each.concept not in concepts:  # since the evaluation, the catalog changed
            continue
        avoided = {
            each.value,
            *(line.avoided for line in before if (line.concept, line.slot) == _place(each)),
        }
        own = _plain_values(words, concepts[each.concept], each.slot)
        left = _without(own, avoided)
        borrowed = [] if left or not own else _others(words, each, concepts.values())
        slots = [record.planned.slots for record in kept[each.concept]]
        holding = sum(bindings.get(each.slot) == each.value for bindings in slots)
        changes.append(
            _Change(
                each,
                left or _without(borrowed, avoided),
                not left,
                math.ceil(holding / max_value_share) - len(slots),
            )
        )
    return changes


def _place(each: OverUsed) -> tuple[str, str]:
    return each.concept, each.slot


def _without(values: Iterable[str], avoided: set[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value and value not in avoided))


def _others(words: Words, each: OverUsed, concepts: Iterable[Concept]) -> list[str]:
    """Values of a slot in the file's list and in other concepts."""
    found = _texts(words, each.slot)
    for concept in concepts:
        if concept.slug != each.concept:
            found += concept.attributes.get(each.slot, ())
    return found


def _plain_values(words: Words, concept: Concept, slot: str) -> list[str]:
    """What a slot can take for a concept, as far as it is words only."""
    if slot in concept.attributes:
        return list(concept.attributes[slot])
    return _texts(words, slot)


def _texts(words: Words, slot: str) -> list[str]:
    """Values of a list that hold no slots, variants or wildcards themselves."""
    return [
        value.text
        for value in words.templates.lists.get(slot, ())
        if all(isinstance(piece, Literal) for piece in value.pattern.pieces)
    ]
