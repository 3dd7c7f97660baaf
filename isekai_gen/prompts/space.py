"""The space of prompts of one concept: a tree of choices, and what each choice says.

A template is an `Alternative`: parts that are words or choices, with the choices to be made for
them. Choices side by side are independent, so their sizes multiply; the alternatives of a choice
add up. That makes every size exact, and every prompt reachable by number.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from isekai_gen.prompts.articles import article_for, tidied
from isekai_gen.prompts.faults import squeezed


class Article:
    """Stands for the article of the next word."""


ARTICLE_PART: Final = Article()


@dataclass(frozen=True, eq=False)
class Joined:
    """Options that are taken together; those without words are left out, joiner and all.

    Attributes:
        options: Parts of each.
        joiner: Text between them.
    """

    options: tuple[tuple[Part, ...], ...]
    joiner: str


@dataclass(frozen=True, eq=False)
class Alternative:
    """One way of a choice.

    Attributes:
        label: Tells it from the choice's other alternatives, whatever their order.
        parts: What it says.
        choices: What is left to choose, in the order written; each is somewhere in `parts`.
        constants: Slot to value, for slots that have one value only.
        size: Prompts it can become: the product of the sizes of `choices`.
    """

    label: str
    parts: tuple[Part, ...]
    choices: tuple[Choice, ...]
    constants: Mapping[str, str]
    size: int

    @cached_property
    def plain(self) -> str | None:
        """Its text, if that depends on nothing else."""
        if all(isinstance(part, str) for part in self.parts):
            return "".join(str(part) for part in self.parts)
        return None

    @cached_property
    def value(self) -> str | None:
        """What a prompt's bindings say of it, if that depends on no further choice."""
        return None if self.plain is None else squeezed(self.plain)


@dataclass(frozen=True, eq=False)
class Choice:
    """Something to be chosen.

    Attributes:
        name: What a prompt's bindings call it; "" if they do not say it apart.
        alternatives: At least one.
        weights: Whole number per alternative, how often it comes.
    """

    name: str
    alternatives: tuple[Alternative, ...]
    weights: tuple[int, ...]

    @cached_property
    def is_constant(self) -> bool:
        """Whether there is one value only, and nothing left to choose in it."""
        return len(self.alternatives) == 1 and self.alternatives[0].plain is not None

    @cached_property
    def size(self) -> int:
        """The sum of the sizes of the alternatives."""
        return sum(alternative.size for alternative in self.alternatives)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """For each alternative, the sizes of those before it together."""
        sizes = (alternative.size for alternative in self.alternatives)
        return tuple(itertools.accumulate(sizes, initial=0))[:-1]

    @cached_property
    def weight_ends(self) -> tuple[int, ...]:
        """For each alternative, the weights up to and with it together."""
        return tuple(itertools.accumulate(self.weights))


Part = str | Article | Choice | Joined
Chosen = Mapping[Choice, Alternative]


def text_of_parts(parts: Sequence[Part], chosen: Chosen) -> str:
    """The tidy text of parts, with an alternative for every choice that is met."""
    flat: list[str | Article] = []
    _flatten(parts, chosen, flat)
    return tidied(_with_articles(flat))


def value_of(alternative: Alternative, chosen: Chosen) -> str:
    """What a prompt's bindings say of an alternative."""
    if alternative.value is not None:
        return alternative.value
    flat: list[str | Article] = []
    _flatten(alternative.parts, chosen, flat)
    return squeezed(_with_articles(flat))


def text_of_joined(joined: Joined) -> str:
    """The text of options that are plain words."""
    flat: list[str | Article] = []
    _flatten_joined(joined, {}, flat)
    return _with_articles(flat)


def _flatten(parts: Sequence[Part], chosen: Chosen, flat: list[str | Article]) -> None:
    for part in parts:
        if isinstance(part, str | Article):
            flat.append(part)
        elif isinstance(part, Choice):
            alternative = chosen[part]
            if alternative.plain is not None:
                flat.append(alternative.plain)
            else:
                _flatten(alternative.parts, chosen, flat)
        else:
            _flatten_joined(part, chosen, flat)


def _flatten_joined(joined: Joined, chosen: Chosen, flat: list[str | Article]) -> None:
    between = False
    for parts in joined.options:
        option: list[str | Article] = []
        _flatten(parts, chosen, option)
        if any(isinstance(part, Article) or part.strip() for part in option):
            if between:
                flat.append(joined.joiner)
            flat.extend(option)
            between = True


def _with_articles(flat: list[str | Article]) -> str:
    try:
        return "".join(flat)  # type: ignore[arg-type]  # most texts have no article left
    except TypeError:
        text = ""
        # From the end, because an article depends on the word after it.
        for part in reversed(flat):
            text = (part if isinstance(part, str) else article_for(text)) + text
        return text
