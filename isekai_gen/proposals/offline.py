"""The offline engine: proposals made of real parents by rules, without network or download."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.proposals.candidates import Candidate, CandidateSpace
from isekai_gen.proposals.engine import EmbedTexts
from isekai_gen.proposals.names import read_name_book
from isekai_gen.proposals.offline_slate import ENGINE, Standing
from isekai_gen.proposals.parent_records import ParentChoice
from isekai_gen.proposals.ranking import Ranking
from isekai_gen.proposals.ranking_choice import Spread, Weights, chosen_from
from isekai_gen.proposals.records import Proposal, Slate

MAX_PARENT_SHARE = 0.03
# So many candidates for each place are compared, and so many at least.
_POOL_FACTOR = 5
_MIN_POOL = 200
# A space has millions of places, of which every fifth suits; who finds nothing new at so many will
# not find much at the others. Spaces of 57 parents and less are walked to their end.
_MAX_PLACES = 120_000


class OfflineEngine:
    """Combines parents by rules.

    Each round walks the space of candidates in the order of the seed, collects several times as
    many as are missing, and chooses greedily (`ranking_choice`). A pair of parents is used once;
    one that was refused for its name alone comes back under another; any other refusal ends it.
    A counterpart is used once, as a catalog demands, and no parent has more uses than
    `parent_limit` says.
    """

    name = ENGINE

    def __init__(
        self, choice: ParentChoice, seed: int, embed: EmbedTexts, imagenet: ImageNetNames
    ) -> None:
        """Read the words that names must not meet, and embed ImageNet-1k's names: seconds.

        Args:
            choice: Who may be body and lender.
            seed: Chooses the order of the candidates.
            embed: Text embeddings, for novelty and variety.
            imagenet: Names of real things.

        Raises:
            MissingDependencyError: If open_clip, whose words names must not meet, is missing.
        """
        self._choice, self._seed = choice, seed
        self._parents = tuple({p.key: p for p in (*choice.bodies, *choice.lenders)}.values())
        self._space = CandidateSpace(choice, seed)
        self._names = read_name_book(imagenet)
        self._ranking = Ranking(embed, imagenet, self._parents)

    def propose(self, slate: Slate) -> Sequence[Proposal]:
        """At most `slate.missing` further proposals; [] if the parents give no more."""
        standing = Standing(slate, self._names)
        spread = standing.spread(self._parents, parent_limit(self._choice, slate.wanted))
        round_ = _Round(standing, spread, slate.missing)
        self._rename(round_)
        places = iter(range(min(self._space.size, _MAX_PLACES)))
        while not round_.is_full:
            pool = self._pool(round_, places)
            if not pool:
                break
            self._choose(round_, pool, slate)
        return round_.found

    def _rename(self, round_: _Round) -> None:
        for index in round_.standing.to_rename():
            if round_.is_full:
                return
            candidate = self._space.of_index(index) if index < self._space.size else None
            if candidate is not None and round_.allows(candidate):
                self._take(round_, candidate)

    def _pool(self, round_: _Round, places: Iterator[int]) -> list[Candidate]:
        """The next candidates, without a flood of one body or domain."""
        wanted = max(_MIN_POOL, _POOL_FACTOR * round_.missing)
        domains = len({body.domain for body in self._choice.bodies})
        most_of_body = math.ceil(_POOL_FACTOR * wanted / len(self._choice.bodies))
        most_of_domain = math.ceil(2 * wanted / domains)
        bodies: Counter[str] = Counter()
        by_domain: Counter[str] = Counter()
        pool: list[Candidate] = []
        for place in places:
            candidate = self._space.at(place)
            if candidate is None or not round_.allows(candidate):
                continue
            body = candidate.made.body
            if bodies[body.name] < most_of_body and by_domain[body.domain] < most_of_domain:
                bodies[body.name] += 1
                by_domain[body.domain] += 1
                pool.append(candidate)
                if len(pool) == wanted:
                    break
        return pool

    def _choose(self, round_: _Round, pool: Sequence[Candidate], slate: Slate) -> None:
        shorts = [group.fictional.short for group in (*slate.accepted, *round_.found)]
        ranked = self._ranking.pool(pool, shorts)
        for candidate in chosen_from(ranked, round_.spread, Weights()):
            if round_.standing.allows(candidate):
                self._take(round_, candidate)
            if round_.is_full:
                return

    def _take(self, round_: _Round, candidate: Candidate) -> None:
        """Add a candidate to the round if it can be named and reads like no other."""
        proposal = candidate.named(
            "",
            {
                "engine": ENGINE,
                "seed": self._seed,
                "novelty": round(self._ranking.novelty(candidate), 4),
                "parent_limit": round_.spread.parent_limit,
            },
        )
        if round_.standing.is_like_another(proposal):
            return
        name = round_.standing.name_for(candidate)
        if name is not None:
            round_.add(candidate, candidate.named(name, dict(proposal.origin)))


class _Round:
    """What one call of `propose` has found so far."""

    def __init__(self, standing: Standing, spread: Spread, wanted: int) -> None:
        self.standing, self.spread = standing, spread
        self.found: list[Proposal] = []
        self._wanted = wanted

    @property
    def missing(self) -> int:
        return self._wanted - len(self.found)

    @property
    def is_full(self) -> bool:
        return self.missing <= 0

    def allows(self, candidate: Candidate) -> bool:
        return self.standing.allows(candidate) and self.spread.allows(candidate)

    def add(self, candidate: Candidate, proposal: Proposal) -> None:
        body, lender = candidate.parents
        self.found.append(proposal)
        self.standing.add(proposal)
        self.spread.add(proposal, [body.domain, lender.domain])


def parent_limit(choice: ParentChoice, wanted: int) -> int:
    """Most uses of one parent among `wanted` groups of two.

    `MAX_PARENT_SHARE` of all uses, at least 1; where the parents are too few for that, an even
    share of the lenders, or of all, rounded up.
    """
    share = max(1, int(MAX_PARENT_SHARE * 2 * wanted))
    everyone = {parent.key for parent in (*choice.bodies, *choice.lenders)}
    even = max(
        math.ceil(wanted / len({parent.key for parent in choice.lenders})),
        math.ceil(2 * wanted / len(everyone)),
    )
    return max(share, even)
