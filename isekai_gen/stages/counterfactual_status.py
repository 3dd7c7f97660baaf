"""How many counterfactual samples there are and what became of them; the numbers add up.

planned = made + failed + skipped by each reason + pending; made = kept + dropped by each filter or
by a person + unjudged. None of them is an image of the main split, and none is counted as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from isekai_gen.stages.counterfactual_files import (
    SampleFailure,
    read_outcomes,
    read_plan,
    samples_workspace,
)
from isekai_gen.stages.counterfactual_read import read_judged
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class SampleCounts:
    """Numbers of samples.

    Attributes:
        planned: All.
        made: With a picture.
        failed: Without, and trying again may help.
        skipped: Reason to samples that their picture does not allow.
        pending: Not made yet.
        kept: Made and dropped by nobody.
        dropped: Name of a filter, "person" or "source_dropped", to samples it dropped.
        unjudged: Made and not judged yet.
    """

    planned: int
    made: int
    failed: int
    skipped: Mapping[str, int]
    pending: int
    kept: int
    dropped: Mapping[str, int]
    unjudged: int

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**self.__dict__, "skipped": dict(self.skipped), "dropped": dict(self.dropped)}

    def to_lines(self) -> list[str]:
        """The two sums in words."""
        planned = [f"{self.made} made", f"{self.failed} failed"]
        planned += [f"{count} skipped ({why})" for why, count in self.skipped.items()]
        made = [f"{self.kept} kept"]
        made += [f"{count} dropped by {by}" for by, count in self.dropped.items()]
        if self.unjudged:
            made.append(f"{self.unjudged} not judged yet")
        return [
            f"planned {self.planned} = {' + '.join(planned)} + {self.pending} pending",
            f"made {self.made} = {' + '.join(made)}",
        ]


@dataclass(frozen=True)
class SampleStatus:
    """Counts in total and by concept (slug), in the order of the slugs."""

    total: SampleCounts
    by_concept: Mapping[str, SampleCounts]

    def to_json(self) -> dict[str, Any]:
        """The totals, and `by_concept` with the same keys."""
        by_concept = {slug: counts.to_json() for slug, counts in self.by_concept.items()}
        return {**self.total.to_json(), "by_concept": by_concept}


@dataclass
class _Tally:
    planned: int = 0
    made: int = 0
    failed: int = 0
    unjudged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def counts(self) -> SampleCounts:
        return SampleCounts(
            planned=self.planned,
            made=self.made,
            failed=self.failed,
            skipped=dict(sorted(self.skipped.items())),
            pending=self.planned - self.made - self.failed - self.skipped.total(),
            kept=self.made - self.dropped.total() - self.unjudged,
            dropped=dict(sorted(self.dropped.items())),
            unjudged=self.unjudged,
        )


def has_samples(workspace: Workspace) -> bool:
    """Whether counterfactual samples were ever planned."""
    return bool(samples_workspace(workspace).parts("plan"))


def read_sample_status(workspace: Workspace) -> SampleStatus:
    """Count samples; needs no lock and changes nothing.

    Raises:
        ChecksumError: If files are missing or damaged.
    """
    samples = samples_workspace(workspace)
    total, by_concept = _Tally(), dict[str, _Tally]()
    for part in samples.parts("plan"):
        planned = read_plan(workspace, part)
        failures = {
            outcome.id: outcome
            for outcome in read_outcomes(workspace, part)
            if isinstance(outcome, SampleFailure)
        }
        for sample in planned:
            failure = failures.get(sample.sample_id)
            for tally in (total, by_concept.setdefault(sample.recipe.concept, _Tally())):
                tally.planned += 1
                if failure is not None and failure.skipped:
                    tally.skipped[failure.failure] += 1
                elif failure is not None:
                    tally.failed += 1
    _count_made(workspace, total, by_concept)
    ordered = {slug: by_concept[slug].counts() for slug in sorted(by_concept)}
    return SampleStatus(total.counts(), ordered)


def _count_made(workspace: Workspace, total: _Tally, by_concept: dict[str, _Tally]) -> None:
    judged = read_judged(workspace)
    for record in judged.records:
        by = judged.dropped.get(record.id)
        for tally in (total, by_concept.setdefault(record.recipe.concept, _Tally())):
            tally.made += 1
            if by is not None:
                tally.dropped[by] += 1
            elif record.id in judged.unjudged:
                tally.unjudged += 1
