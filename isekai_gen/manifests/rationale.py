"""Why an image shows its concept: sentences made of the catalog's own words, nothing invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isekai_gen.prompts.articles import article_for
from isekai_gen.records import Concept

_MOST_VALUES = 3
"""An attribute of more values that is not drawn from a slot says little about one image."""


@dataclass(frozen=True)
class Reason:
    """One sentence's facts.

    Attributes:
        kind: Which list of templates puts it in words ("parents", "appearance", "attribute",
            "counterpart").
        values: Placeholder to value.
    """

    kind: str
    values: Mapping[str, str]


def reasons_for(concept: Concept, counterpart: Concept, slots: Mapping[str, str]) -> list[Reason]:
    """What tells a concept from its counterpart, in the order it is said.

    Args:
        concept: Has parents.
        counterpart: What it is told apart from.
        slots: Slot values of the image's prompt, which say which of an attribute's values it has.
    """
    other = {"counterpart": counterpart.name, "a_counterpart": with_article(counterpart.name)}
    parents = _and([with_article(parent) for parent in concept.parents])
    look = {
        "short": concept.short,
        "a_short": with_article(concept.short),
        "description": concept.description,
    }
    return [
        Reason("parents", {"parents": parents, **other}),
        Reason("appearance", look),
        *(
            Reason("attribute", {**fact, **other})
            for fact in _differences(concept, counterpart, slots)
        ),
        Reason("counterpart", {"counterpart_description": counterpart.description, **other}),
    ]


def with_article(name: str) -> str:
    """`name` after "a" or "an", by its spelling."""
    return f"{article_for(name)} {name}".strip()


def _differences(
    concept: Concept, counterpart: Concept, slots: Mapping[str, str]
) -> list[dict[str, str]]:
    """Attributes of both that share no value, as far as the image's own value is known."""
    found = []
    for attribute, values in sorted(concept.attributes.items()):
        others = counterpart.attributes.get(attribute, ())
        if not others or len(others) > _MOST_VALUES or set(values) & set(others):
            continue
        value = slots.get(attribute, "")
        if value not in values:
            if len(values) > 1:
                continue
            value = values[0]
        found.append(
            {
                "attribute": attribute.replace("_", " "),
                "value": value,
                "counterpart_value": " or ".join(others),
            }
        )
    return found


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
