"""Slot values that new images of a concept no longer take, because they gave it away.

diversified.jsonl has a line for each time that `topup --diversify` found a concept whose background
gives it away. It holds for images from a number on, so that those planned before stay what they
are, and for every later command that plans: the words of a workspace are its catalog, its templates
and these lines.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from isekai_gen.prompts.expansion import count_prompts
from isekai_gen.prompts.template_set import TemplateSet
from isekai_gen.records import Concept, Prompt
from isekai_gen.records.base import Record
from isekai_gen.shards import read_records, write_records
from isekai_gen.workspace import Workspace

DIVERSIFIED = "#diversified"
"""Among a prompt's bindings: slots whose values were chosen anew. No slot can have this name."""


@dataclass(frozen=True)
class Diversification(Record):
    """What new images of a concept take for a slot.

    Attributes:
        concept: Slug.
        slot: As prompts bind it.
        avoided: The value that was over-used.
        values: What the slot is filled with from now on, at least one.
        borrowed: Whether these are the values of the file's list and of other concepts, because
            the concept had no other of its own.
        first: Number, within the concept, of the first image that this holds for.
        count: Further images asked for when this was written down.
        shortcuts: SHA-256 of the report that told.
    """

    _tuples: ClassVar[frozenset[str]] = frozenset({"values"})

    concept: str
    slot: str
    avoided: str
    values: tuple[str, ...]
    borrowed: bool
    first: int
    count: int
    shortcuts: str

    def __post_init__(self) -> None:
        texts = (self.concept, self.slot, self.avoided, self.shortcuts, *self.values)
        if not self.values or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"concept, slot and values must be texts, got {self}")
        if not (isinstance(self.first, int) and isinstance(self.count, int)) or self.first < 0:
            raise ValueError(f"first and count must be whole numbers, got {self}")

    @property
    def end(self) -> int:
        """Images of the concept that were asked for, counted from its first."""
        return self.first + self.count


def diversified_file(workspace: Workspace) -> Path:
    """diversified.jsonl of a workspace."""
    return workspace.root / "diversified.jsonl"


def read_diversified(workspace: Workspace) -> tuple[Diversification, ...]:
    """All of them, in the order they were asked for.

    Raises:
        ChecksumError: If the file is damaged.
    """
    return tuple(read_records(diversified_file(workspace), Diversification))


def write_diversified(workspace: Workspace, lines: Sequence[Diversification]) -> None:
    """Replace the file, all at once."""
    write_records(diversified_file(workspace), lines)


def stretches(
    concept: Concept, indices: range, diversified: Sequence[Diversification]
) -> Iterator[tuple[Concept, range, tuple[str, ...]]]:
    """Cut numbers of a concept's images where its words change.

    Args:
        concept: As the catalog has it.
        indices: Consecutive numbers.
        diversified: Of any concepts.

    Yields:
        The concept with the words of a stretch, its numbers, and the slots that were changed.
    """
    own = [each for each in diversified if each.concept == concept.slug]
    cuts = sorted({each.first for each in own if indices.start < each.first < indices.stop})
    edges = [indices.start, *cuts, indices.stop]
    for start, stop in itertools.pairwise(edges):
        values = {each.slot: each.values for each in own if each.first <= start}
        words = replace(concept, attributes={**concept.attributes, **values}) if values else concept
        yield words, range(start, stop), tuple(sorted(values))


def prompts_there_are(
    templates: TemplateSet, concept: Concept, count: int, diversified: Sequence[Diversification]
) -> int:
    """Different prompts for a concept: those of earlier words as far as used, and all of the last.

    Args:
        templates: Templates and lists.
        concept: As the catalog has it.
        count: Images of it.
        diversified: Of any concepts.
    """
    *earlier, (words, _, _) = stretches(concept, range(count), diversified)
    used = sum(min(len(part), count_prompts(templates, each)) for each, part, _ in earlier)
    return used + count_prompts(templates, words)


def bindings_of(prompt: Prompt, changed: Sequence[str]) -> Mapping[str, str]:
    """A prompt's bindings; those of slots that were changed are named under `DIVERSIFIED`."""
    used = [slot for slot in changed if slot in prompt.slots]
    return {**prompt.slots, DIVERSIFIED: ", ".join(used)} if used else prompt.slots
