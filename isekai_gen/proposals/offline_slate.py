"""What a slate forbids the offline engine, and what it may try again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from isekai_gen.proposals.candidates import Candidate
from isekai_gen.proposals.names import NameBook
from isekai_gen.proposals.names_taken import TakenNames
from isekai_gen.proposals.parent_records import Parent
from isekai_gen.proposals.ranking_choice import Spread
from isekai_gen.proposals.records import Proposal, Refusal, Slate
from isekai_gen.proposals.text_checks import Likeness

ENGINE = "offline"
# Below the 0.6 from which `concepts check` tells two descriptions, with room for its rounding.
_MAX_ALIKE = 0.58


class Standing:
    """What stands on a slate, grown by what a round proposes.

    Groups are known by the names of their parents, so that those of other engines and of a catalog
    that was there before count, too.
    """

    def __init__(self, slate: Slate, names: NameBook) -> None:
        """Read a slate."""
        self._names = names
        self._likeness = Likeness()
        self._taken = TakenNames(group.fictional.name for group in slate.accepted)
        self._refused_names = {refusal.proposal.fictional.name for refusal in slate.refused}
        self._descriptions = [
            text
            for group in slate.accepted
            for text in (group.fictional.description, group.real.description)
        ]
        for_good = (r.proposal for r in slate.refused if not _for_its_name(r))
        self._pairs = {_pair_of(group) for group in (*slate.accepted, *for_good)}
        self._slate = slate

    def spread(self, parents: Iterable[Parent], parent_limit: int) -> Spread:
        """How often parents and domains were used by what was accepted."""
        domain_by_name = {parent.name: parent.domain for parent in parents}
        spread = Spread(parent_limit)
        for group in self._slate.accepted:
            known = [name for name in group.fictional.parents if name in domain_by_name]
            spread.add(group, [domain_by_name[name] for name in known])
        return spread

    def to_rename(self) -> Iterator[int]:
        """Indexes of candidates of this engine that were refused for their name alone."""
        seen: set[int] = set()
        for refusal in self._slate.refused:
            origin = refusal.proposal.origin
            if origin.get("engine") == ENGINE and _for_its_name(refusal):
                index = int(origin["index"])
                if index not in seen:
                    seen.add(index)
                    yield index

    def allows(self, candidate: Candidate) -> bool:
        """Whether this pair of parents is still unused."""
        return candidate.pair not in self._pairs

    def name_for(self, candidate: Candidate) -> str | None:
        """A name that is free here and was not refused; None if there is none."""
        body, lender = candidate.parents
        for name in self._names.names_for(body.name, lender.name, body.kinds):
            if name not in self._refused_names and not self._taken.clash(name):
                return name
        return None

    def is_like_another(self, proposal: Proposal) -> bool:
        """Whether a description reads nearly like one that stands, or like its counterpart's."""
        own = (proposal.fictional.description, proposal.real.description)
        return any(
            self._likeness(text, other) >= _MAX_ALIKE
            for text in own
            for other in self._descriptions
        )

    def add(self, proposal: Proposal) -> None:
        """Count a group that was taken."""
        self._taken.add(proposal.fictional.name)
        self._pairs.add(_pair_of(proposal))
        self._descriptions += [proposal.fictional.description, proposal.real.description]


def _for_its_name(refusal: Refusal) -> bool:
    refusing = [finding for finding in refusal.findings if finding.refuses]
    return bool(refusing) and all(
        finding.field == "name" and finding.part == "fictional" for finding in refusing
    )


def _pair_of(group: Proposal) -> frozenset[str]:
    return frozenset(group.fictional.parents)
