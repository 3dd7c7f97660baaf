"""Ask an engine and judge what it proposes, round after round, until the slate is full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from isekai_gen.proposals.catalog_rules import CatalogRules
from isekai_gen.proposals.engine import ProposalEngine
from isekai_gen.proposals.records import Finding, Proposal
from isekai_gen.stages.propose_log import Event, Judged, Kind, RoundLog
from isekai_gen.stages.reporting import Reporter

MAX_PROPOSED = 20
"""Proposals judged at most for each group wanted: an engine may have ever more to say, and never
anything that stands the checks."""
_REMEDY = "widen --from and --with in another file (--start keeps these groups)"

Check = Callable[[Proposal, Sequence[Proposal]], Sequence[Finding]]
"""What is wrong with a proposal, given the others that stand."""


@dataclass(frozen=True)
class Judge:
    """Judges proposals by the checks and by the rules of catalogs.

    Attributes:
        check: The checks.
        rules: Those of catalogs.
    """

    check: Check
    rules: CatalogRules

    def judge(self, kind: Kind, proposals: Sequence[Proposal], log: RoundLog) -> Event:
        """Judge proposals one after the other, each against all that stand by then.

        A refused one leaves its place to the next.
        """
        standing = list(log.slate.accepted)
        known = {_what(refusal.proposal) for _, refusal in log.refused}
        places = log.free_places()
        judged = []
        place = next(places)
        for number, proposal in enumerate(proposals):
            findings = self._findings(proposal, standing, known)
            judged.append(Judged(place, proposal, findings))
            if judged[-1].accepted:
                standing.append(proposal)
                if number + 1 < len(proposals):
                    place = next(places)
            else:
                known.add(_what(proposal))
        return Event(kind, tuple(judged))

    def _findings(
        self, proposal: Proposal, standing: Sequence[Proposal], known: set[object]
    ) -> tuple[Finding, ...]:
        if _what(proposal) in known:
            return (
                Finding(
                    "repeated",
                    "fictional",
                    "name",
                    f"{proposal.fictional.name!r} was refused before, word for word",
                    "propose another group",
                ),
            )
        findings = tuple(self.check(proposal, standing))
        if any(finding.refuses for finding in findings):
            return findings
        return (*findings, *self.rules.findings(proposal, standing))


def fill_places(engine: ProposalEngine, judge: Judge, log: RoundLog, reporter: Reporter) -> str:
    """Ask and judge until no place is free.

    Each round is on disk before the next begins.

    Returns:
        "" if every place is filled, else why some are not, and what to do.

    Raises:
        ValueError: If the engine proposes more than is missing.
        IsekaiGenError: As the engine.
    """
    missing = log.slate.missing
    with reporter.task("Finding groups", missing) as advance:
        while missing:
            if log.proposed >= MAX_PROPOSED * log.wanted:
                return (
                    f"{log.proposed} proposals were judged, {MAX_PROPOSED} for each group wanted; "
                    f"{_REMEDY}"
                )
            proposals = engine.propose(log.slate)
            if len(proposals) > missing:
                raise ValueError(f"{len(proposals)} proposals for {missing} places")
            if not proposals:
                return f"the engine {engine.name} has nothing more to propose; {_REMEDY}"
            log.append(judge.judge("proposed", proposals, log))
            before, missing = missing, log.slate.missing
            advance(before - missing)
    return ""


def _what(proposal: Proposal) -> object:
    """What a proposal says, whatever way it came about."""
    return proposal.fictional, proposal.real
