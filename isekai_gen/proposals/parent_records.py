"""Real things that concepts are made of."""

from __future__ import annotations

from dataclasses import dataclass

from isekai_gen.proposals.traits import Traits


@dataclass(frozen=True)
class Parent:
    """A real thing that a person would recognize in a picture.

    Attributes:
        key: What it is known by: its first wnid, or "own:moon-cat" for a thing without one.
        name: What people call it, in the singular.
        definition: In one phrase.
        domain: The narrowest domain it belongs to ("birds"); see `domains`.
        wnids: ImageNet's classes of this thing, its own first; may be empty.
        traits: What it can lend.
        commonness: How well known it is, in [0, 1]; higher is better known.
        kinds: What it also is or is called, the nearest first: ("bird of prey", "bird").
        traits_of: Where its traits are from: "itself", or the kind or domain they are taken from.
    """

    key: str
    name: str
    definition: str
    domain: str
    wnids: tuple[str, ...]
    traits: Traits
    commonness: float
    kinds: tuple[str, ...] = ()
    traits_of: str = "itself"

    def __post_init__(self) -> None:
        if not 0 <= self.commonness <= 1:
            raise ValueError(f"commonness must be in [0, 1], got {self.commonness}")


@dataclass(frozen=True)
class ParentChoice:
    """The parents that an engine may use, by their two roles, each in the order of the list.

    Attributes:
        bodies: Those that may dominate a concept, and so be its real counterpart; not empty.
        lenders: Those that may lend a trait to it; not empty. One may be in both.
    """

    bodies: tuple[Parent, ...]
    lenders: tuple[Parent, ...]
