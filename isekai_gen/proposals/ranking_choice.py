"""Choosing from a pool, one after the other, each time what adds most.

Farthest-first traversal (Gonzalez, "Clustering to minimize the maximum intercluster distance",
1985: each next one is the one least similar to all before) with the worth of each candidate by
itself weighed in, as in maximal marginal relevance (Carbonell and Goldstein, 1998).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.proposals.candidates import Candidate
from isekai_gen.proposals.records import Proposal
from isekai_gen.proposals.text_checks import Likeness


@dataclass(frozen=True)
class Weights:
    """What counts how much in the choice; all that is weighed lies in [0, 1].

    Attributes:
        rare_meeting: Part of a rare meeting of domains in the estimated novelty, in [0, 1].
        known: How well known the less known parent is; novelty counts 1.
        unlike_others: 1 - the highest similarity to what is chosen already.
        fresh: 1 - the largest share that its rule or a domain of it has in what is chosen already.
    """

    rare_meeting: float = 0.25
    known: float = 0.5
    unlike_others: float = 1.0
    fresh: float = 1.0


@dataclass
class Spread:
    """How often parents and domains were used, and how often a parent may be.

    Attributes:
        parent_limit: Most uses of one parent, as body and lender together.
        uses: Name of a parent to its uses.
        bodies: Names of counterparts; a catalog has each once.
        domains: Domain to its uses in both roles.
        rules: Name of a rule to its uses.
    """

    parent_limit: int
    uses: Counter[str] = field(default_factory=Counter)
    bodies: set[str] = field(default_factory=set)
    domains: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def allows(self, candidate: Candidate) -> bool:
        """Whether both parents may be used once more, and the body is no counterpart yet."""
        body, lender = candidate.parents
        return (
            body.name not in self.bodies
            and self.uses[body.name] < self.parent_limit
            and self.uses[lender.name] < self.parent_limit
        )

    def add(self, group: Proposal, domains: Sequence[str]) -> None:
        """Count a group that was taken; `domains` are those of its parents that are known."""
        self.bodies.add(group.real.name)
        self.uses.update({group.real.name, *group.fictional.parents})
        self.domains.update(domains)
        self.rules.update([str(group.origin["rule"])] if "rule" in group.origin else [])

    def shares(self, candidates: Sequence[Candidate]) -> npt.NDArray[np.float64]:
        """The largest share that the rule or a domain of each has in all uses; 0 at first."""
        domains, rules = max(1, self.domains.total()), max(1, self.rules.total())
        of_domain = {name: uses / domains for name, uses in self.domains.items()}
        of_rule = {name: uses / rules for name, uses in self.rules.items()}
        made = [candidate.made for candidate in candidates]
        return np.array(
            [
                max(
                    of_rule.get(one.rule.name, 0.0),
                    of_domain.get(one.body.domain, 0.0),
                    of_domain.get(one.lender.domain, 0.0),
                )
                for one in made
            ]
        )


class Pool:
    """Candidates to choose from, what each is worth, and how like it is to what stands.

    Two are as alike as the higher of two similarities of their `short`: of the text embeddings,
    and of the letters (`prompts.likeness`). The starter encoder knows few words: on 400 proposals
    of 30 parents it tells pairs that share a parent from those that share none with an AUC of 0.81,
    letters with 0.97, the higher of both with 0.93, and letters alone know no kinship of meaning.

    Attributes:
        candidates: In the order of their places; ties go to the first.
        worth: float64 [n], what each adds by itself.
        nearest: float64 [n], highest similarity to what stands, at least 0.
    """

    def __init__(
        self, candidates: Sequence[Candidate], worth: npt.NDArray[np.float64], rows: FloatArray
    ) -> None:
        """Set up a pool; `rows` are text embeddings, float32 [n, dim], unit rows."""
        self.candidates, self.worth, self._rows = candidates, worth, rows
        self.nearest = np.zeros(len(candidates))
        self._likeness = Likeness()

    def meet(self, short: str, row: FloatArray) -> None:
        """Count what stands: its text and the embedding of it, float32 [dim]."""
        letters = np.array([self._likeness(short, other.short) for other in self.candidates])
        self.nearest = np.maximum(self.nearest, np.maximum(self._rows @ row, letters))

    def take(self, at: int) -> None:
        """Count the candidate at a place as standing."""
        self.meet(self.candidates[at].short, self._rows[at])


def chosen_from(pool: Pool, spread: Spread, weights: Weights) -> Iterator[Candidate]:
    """Candidates, the one that adds most first.

    Whoever asks for the next one has added the last to `spread` if it was taken; only then does it
    push away others that are like it.
    """
    left = list(range(len(pool.candidates)))
    while left := [at for at in left if spread.allows(pool.candidates[at])]:
        gain = (
            pool.worth[left]
            + weights.unlike_others * (1 - np.minimum(pool.nearest[left], 1))
            + weights.fresh * (1 - spread.shares([pool.candidates[at] for at in left]))
        )
        # Rounded, so that the last bits of a sum on another machine decide nothing.
        at = left.pop(int(np.argmax(np.round(gain, 6))))
        taken_before = spread.uses.total()
        yield pool.candidates[at]
        if spread.uses.total() > taken_before:
            pool.take(at)
