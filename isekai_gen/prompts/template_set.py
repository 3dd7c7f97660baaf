"""Prompt templates and their lists as frozen records, and what fills a slot.

Slots are filled, in this order of precedence, by the concept itself ({name}, {short},
{description}, {concept_negative}), by its attributes, and by the file's lists: a list is the
default for the concepts that lack an attribute of its name. {a} is the article of the next word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from isekai_gen.prompts.pattern import Pattern
from isekai_gen.records import Concept


@dataclass(frozen=True)
class WeightedText:
    """A value of a list.

    Attributes:
        text: The words; may be "".
        weight: How often it comes relative to the other values; > 0.
    """

    text: str
    weight: Fraction


@dataclass(frozen=True)
class Template:
    """One way to speak of a concept.

    Attributes:
        id: Unique in its file.
        weight: How often it comes relative to the other templates; > 0.
        text: Pattern of the prompt.
        negative: Pattern of the negative prompt; without pieces if there is none.
        text_line: 1-based line of the text.
        negative_line: 1-based line of the negative text.
    """

    id: str
    weight: Fraction
    text: Pattern
    negative: Pattern
    text_line: int
    negative_line: int

    @property
    def slots(self) -> tuple[str, ...]:
        """Slots of text and negative text in order of first appearance, without the article."""
        return tuple(dict.fromkeys((*self.text.slots, *self.negative.slots)))


@dataclass(frozen=True)
class TemplateSet:
    """The templates of a file and their lists.

    Attributes:
        lists: List name to its values, in the order of the file.
        templates: At least one, in the order of the file.
    """

    lists: Mapping[str, tuple[WeightedText, ...]]
    templates: tuple[Template, ...]


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
        return (WeightedText(own[slot], Fraction(1)),)
    if slot in concept.attributes:
        return tuple(WeightedText(text, Fraction(1)) for text in concept.attributes[slot])
    return lists.get(slot)
