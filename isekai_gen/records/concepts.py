"""What there is to draw, and the words it is drawn from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from isekai_gen.records.base import Record

Kind = Literal["fictional", "real"]


@dataclass(frozen=True)
class Concept(Record):
    """Something to draw: fictional, or the real counterpart of a fictional concept.

    Attributes:
        slug: Key: lower-case ASCII letters, digits and dashes.
        name: Display name and label.
        kind: "fictional" or "real".
        group: Slug of the group that pairs a fictional concept with its real counterpart.
        short: Appearance in a few words, without article ("hedgehog with cactus spines").
        description: Appearance in a sentence, for strong image generators.
        parents: Names of the real things a fictional concept combines; empty for a real one.
        attributes: Extra slots for templates: name to its possible values.
        negative_prompt: What not to draw, or "".
        wnids: ImageNet classes of a real concept ("n02119789"); may be empty.
    """

    slug: str
    name: str
    kind: Kind
    group: str
    short: str
    description: str
    parents: tuple[str, ...] = ()
    attributes: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    negative_prompt: str = ""
    wnids: tuple[str, ...] = ()

    _tuples: ClassVar[frozenset[str]] = frozenset({"parents", "wnids"})


@dataclass(frozen=True)
class Prompt:
    """One expansion of a template for a concept.

    Attributes:
        concept: The concept's slug.
        template: The template's id.
        slots: Every slot's value in this expansion.
        text: The prompt.
        negative: The negative prompt, or "".
    """

    concept: str
    template: str
    slots: Mapping[str, str]
    text: str
    negative: str
