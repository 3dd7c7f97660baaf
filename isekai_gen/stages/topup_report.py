"""What `topup` reached: per concept, numbers that add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from isekai_gen.stages.diversified import Diversification
from isekai_gen.stages.topup_rounds import Aim
from isekai_gen.stages.yields import YieldReport

State = Literal["reached", "budget spent"]


@dataclass(frozen=True)
class ConceptTopup:
    """Where one concept stands; drawn = kept + dropped by each + failed.

    Attributes:
        concept: Slug.
        wanted: Images to keep.
        kept: Images kept.
        drawn: Images tried.
        failed: Of these, without a picture.
        dropped: Name of a filter, or "person", to images it dropped.
        rounds: Rounds of `topup` that added images to it; 0 if earlier commands planned enough.
        prompts: Different prompts there are; beyond as many images they repeat with other seeds.
        state: Whether it keeps enough.
    """

    concept: str
    wanted: int
    kept: int
    drawn: int
    failed: int
    dropped: Mapping[str, int]
    rounds: int
    prompts: int
    state: State

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**self.__dict__, "dropped": dict(self.dropped)}


@dataclass(frozen=True)
class TopupReport:
    """What there is at the end.

    Attributes:
        aim: What the rounds were after.
        concepts: In the order of the catalog.
        rounds: Rounds there were, over all runs of `topup` on this plan.
        yields: Which words were kept and which were not.
        worked: Whether anything was left to do.
        diversified: Slot values that gave concepts away, and what new images take instead.
    """

    aim: Aim
    concepts: Sequence[ConceptTopup]
    rounds: int
    yields: YieldReport
    worked: bool
    diversified: Sequence[Diversification] = ()

    @property
    def short(self) -> list[ConceptTopup]:
        """Concepts that keep too few images."""
        return [entry for entry in self.concepts if entry.state != "reached"]

    @property
    def failed(self) -> int:
        """Images without a picture."""
        return sum(entry.failed for entry in self.concepts)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict without the yields; the same for every run that ends here."""
        return {
            "kept": self.aim.kept,
            "max_attempts": self.aim.budget,
            "rounds": self.rounds,
            "concepts": [entry.to_json() for entry in self.concepts],
            **(
                {"diversified": [line.to_json() for line in self.diversified]}
                if self.diversified
                else {}
            ),
        }
