"""All that the rules could make of the parents, each found by its number alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isekai_gen.prompts.permutation import Permutation
from isekai_gen.proposals.parent_records import Parent, ParentChoice
from isekai_gen.proposals.records import Proposal, ProposedConcept
from isekai_gen.proposals.rules import RULES
from isekai_gen.proposals.wording_scenes import attributes_of
from isekai_gen.proposals.wording_sentences import (
    Combination,
    description_of,
    real_description_of,
    short_of,
)

# As many as the lists of phrases and of places have turns worth telling apart.
_VARIANTS = 4


@dataclass(frozen=True)
class Candidate:
    """A group that could be proposed; it still lacks a name.

    Attributes:
        index: Its number in the space, before the permutation of the seed.
        made: The rule and the parents.
        short: Of the fictional concept.
        description: Of the fictional concept.
    """

    index: int
    made: Combination
    short: str
    description: str

    @property
    def parents(self) -> tuple[Parent, Parent]:
        """Body and lender."""
        return self.made.body, self.made.lender

    @property
    def pair(self) -> frozenset[str]:
        """The names of its parents, whichever dominates."""
        return frozenset(parent.name for parent in self.parents)

    def named(self, name: str, origin: dict[str, Any]) -> Proposal:
        """The proposal under this name; `origin` is added to what the candidate says of itself."""
        body, lender = self.parents
        return Proposal(
            fictional=ProposedConcept(
                name, self.short, self.description, parents=(body.name, lender.name)
            ),
            real=ProposedConcept(body.name, body.name, real_description_of(body), wnids=body.wnids),
            attributes=attributes_of(self.made),
            origin={
                "rule": self.made.rule.name,
                "index": self.index,
                "parents": [body.key, lender.key],
                **origin,
            },
        )


class CandidateSpace:
    """Rules x bodies x lenders x variants, in an order that the seed chooses.

    Each candidate follows from its place and the seed, without a look at any other.
    """

    def __init__(self, choice: ParentChoice, seed: int) -> None:
        """Set up a space.

        Args:
            choice: The parents, in the order that an index counts them in.
            seed: Chooses the order.
        """
        self._choice = choice
        self.size = len(RULES) * len(choice.bodies) * len(choice.lenders) * _VARIANTS
        self._order = Permutation(self.size, b"offline proposals:%d" % seed)

    def at(self, place: int) -> Candidate | None:
        """The candidate at a place of the seed's order; None if its rule does not suit its pair."""
        return self.of_index(self._order(place))

    def of_index(self, index: int) -> Candidate | None:
        """The candidate of an index; None as `at`.

        Raises:
            ValueError: If the index is outside of the space.
        """
        if not 0 <= index < self.size:
            raise ValueError(f"index must be in [0, {self.size}), got {index}")
        rest, variant = divmod(index, _VARIANTS)
        rest, lender_at = divmod(rest, len(self._choice.lenders))
        rule_at, body_at = divmod(rest, len(self._choice.bodies))
        body, lender = self._choice.bodies[body_at], self._choice.lenders[lender_at]
        rule = RULES[rule_at]
        if not rule.suits(body, lender):
            return None
        made = Combination(rule, body, lender, variant)
        return Candidate(index, made, short_of(made), description_of(made))
