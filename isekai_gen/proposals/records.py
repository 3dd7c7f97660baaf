"""What engines propose, and what is found wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Part = Literal["fictional", "real"]
PARTS: tuple[Part, Part] = ("fictional", "real")
"""The two concepts of a group, in the order of catalogs."""


@dataclass(frozen=True)
class ProposedConcept:
    """One concept of a proposed group.

    Attributes:
        name: What it is called; its label.
        short: A few words for small models, without an article.
        description: Two sentences at most on how it looks, for strong models.
        parents: Names of the real things a fictional concept is made of, the dominating one first;
            empty for a real concept.
        wnids: The ImageNet classes that a real concept is; empty for a fictional one.
    """

    name: str
    short: str
    description: str
    parents: tuple[str, ...] = ()
    wnids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A group that an engine proposes: a thing that does not exist, and its real look-alike.

    Attributes:
        fictional: The invented concept.
        real: Its counterpart, the parent that dominates.
        attributes: Slots of templates ("setting", "pose") to their values, the same for both, so
            that a background never tells which of the two an image shows.
        origin: How it came to be, JSON-ready: "engine", and what else that engine needs to say.
    """

    fictional: ProposedConcept
    real: ProposedConcept
    attributes: Mapping[str, tuple[str, ...]]
    origin: Mapping[str, Any]

    def part(self, part: Part) -> ProposedConcept:
        """The concept of this kind."""
        return self.fictional if part == "fictional" else self.real


@dataclass(frozen=True)
class Finding:
    """Something wrong with one field of one proposed group.

    Attributes:
        code: What kind of fault, such as "name_near_class".
        part: Which of the two concepts.
        field: "name", "short", "description", "parents", "attributes" or "wnids".
        message: What is wrong, with the evidence.
        suggestion: What to do; never empty.
        refuses: Whether an engine must propose another; otherwise people are told, and it stands.
    """

    code: str
    part: Part
    field: str
    message: str
    suggestion: str
    refuses: bool = True


@dataclass(frozen=True)
class Refusal:
    """A proposal that was not taken, and why.

    Attributes:
        proposal: As the engine made it.
        findings: At least one that refuses.
    """

    proposal: Proposal
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Slate:
    """What stands so far.

    Attributes:
        wanted: How many groups the catalog shall have.
        accepted: Groups taken, in the order they were taken.
        refused: All that were refused, in that order.
    """

    wanted: int
    accepted: tuple[Proposal, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def missing(self) -> int:
        """How many groups are still to be found."""
        return self.wanted - len(self.accepted)
