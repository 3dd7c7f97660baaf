"""A real engine that proposes what a script says: what loops, records and looks are tested with."""

from __future__ import annotations

from collections.abc import Sequence

from isekai_gen.proposals.records import Proposal, ProposedConcept, Slate


def group(name: str, real: str = "", short: str = "", lender: str = "cactus") -> Proposal:
    """A group that breaks no rule of catalogs; the counterpart is called after it by default."""
    body = real or f"{name} root"
    return Proposal(
        fictional=ProposedConcept(
            name=name,
            short=short or f"{body} with {lender} spines",
            description=f"a small {body} whose back has the long white spines of a {lender}",
            parents=(body, lender),
        ),
        real=ProposedConcept(body, body, f"a small {body} seen from the side"),
        attributes={"setting": ("on short green grass", "on a wooden table"), "pose": ("walking",)},
        origin={"engine": "scripted", "name": name},
    )


class ScriptedEngine:
    """Proposes the next entries of a list that the slate does not have (`ProposalEngine`).

    Attributes:
        asked: The slates it was asked with.
    """

    name = "scripted"

    def __init__(self, script: Sequence[Proposal], at_once: int = 1000) -> None:
        self._script, self._at_once = tuple(script), at_once
        self.asked: list[Slate] = []

    def propose(self, slate: Slate) -> list[Proposal]:
        self.asked.append(slate)
        had = {each.fictional.name for each in slate.accepted}
        had |= {refusal.proposal.fictional.name for refusal in slate.refused}
        left = [each for each in self._script if each.fictional.name not in had]
        return left[: min(slate.missing, self._at_once)]
