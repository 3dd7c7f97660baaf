"""Prompt templates, their lists and wildcards as frozen records, and what fills a slot.

Slots are filled, in this order of precedence, by the concept itself ({name}, {short},
{description}, {concept_negative}), by its attributes, and by the file's lists: a list is the
default for the concepts that lack an attribute of its name. {a} is the article of the next word.
What a concept says is words only; values of lists and lines of wildcard files may hold slots,
variants and wildcards themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from isekai_gen.prompts.pattern import Pattern, literal_pattern
from isekai_gen.records import Concept


@dataclass(frozen=True)
class WeightedText:
    """A value of a list, or a line of a wildcard file.

    Attributes:
        pattern: The words; may be without pieces.
        weight: How often it comes relative to the other values; > 0.
    """

    pattern: Pattern
    weight: Fraction

    @property
    def text(self) -> str:
        """The words as written, before anything in them is filled."""
        return self.pattern.source


@dataclass(frozen=True)
class Template:
    """One way to speak of a concept.

    Attributes:
        id: Unique in its file.
        weight: How often it comes relative to the other templates; > 0.
        text: Pattern of the prompt.
        negative: Pattern of the negative prompt; without pieces if there is none.
    """

    id: str
    weight: Fraction
    text: Pattern
    negative: Pattern

    @property
    def slots(self) -> tuple[str, ...]:
        """Slots of text and negative text in order of first appearance, without the article."""
        return tuple(dict.fromkeys((*self.text.slots, *self.negative.slots)))


@dataclass(frozen=True)
class Wildcards:
    """The wildcards that a template file uses.

    Attributes:
        values: Name as written between the underscores to its values; for a name with `*` or
            `?` those of all files that match.
        files: The files they were read from, in the order of their paths below the folder.
        folder: The wildcards folder; None if no template uses a wildcard.
    """

    values: Mapping[str, tuple[WeightedText, ...]] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    folder: Path | None = None


@dataclass(frozen=True)
class TemplateSet:
    """The templates of a file, their lists and wildcards.

    Attributes:
        lists: List name to its values, in the order of the file.
        templates: At least one, in the order of the file.
        wildcards: Every wildcard that a template, a list or another wildcard names.
    """

    lists: Mapping[str, tuple[WeightedText, ...]]
    templates: tuple[Template, ...]
    wildcards: Wildcards = Wildcards()

    def patterns(self) -> Iterator[Pattern]:
        """Every text of the set: of templates, of lists, of wildcards."""
        for template in self.templates:
            yield template.text
            yield template.negative
        for values in (*self.lists.values(), *self.wildcards.values.values()):
            for value in values:
                yield value.pattern


def slot_values(
    slot: str, concept: Concept, lists: Mapping[str, tuple[WeightedText, ...]]
) -> tuple[WeightedText, ...] | None:
    """The values that a slot can take for a concept; None if nothing fills it."""
    own = {
        "name": concept.name,
        "short": concept.short,
        "description": concept.description,
        "concept_negative": concept.negative_prompt,
    }
    if slot in own:
        return (WeightedText(literal_pattern(own[slot]), Fraction(1)),)
    if slot in concept.attributes:
        return tuple(
            WeightedText(literal_pattern(text), Fraction(1)) for text in concept.attributes[slot]
        )
    return lists.get(slot)
