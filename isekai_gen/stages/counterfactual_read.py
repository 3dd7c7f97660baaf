"""The counterfactual samples that curation kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.counterfactuals.records import CounterfactualRecord
from isekai_gen.errors import InputError
from isekai_gen.records import Verdict, select_kept
from isekai_gen.records.verdicts import last_decisions
from isekai_gen.shards import read_records
from isekai_gen.stages.counterfactual_files import (
    FILTERS,
    picture_file,
    read_outcomes,
    samples_workspace,
)
from isekai_gen.stages.curate import read_verdicts
from isekai_gen.stages.decisions import read_decisions
from isekai_gen.stages.drawn import read_drawn
from isekai_gen.workspace import Workspace

SOURCE_DROPPED = "source_dropped"
"""What counts for a sample of pictures that are no longer kept themselves."""
PERSON = "person"


@dataclass(frozen=True)
class KeptSample:
    """A sample that curation kept.

    Attributes:
        record: How it was made, and what the right answer now is.
        picture: Its PNG file.
    """

    record: CounterfactualRecord
    picture: Path


def read_counterfactuals(workspace: Workspace) -> tuple[KeptSample, ...]:
    """Samples that neither a filter nor a person dropped, in shard order.

    Only those count whose source and fillers are kept images now. Needs no lock.

    Raises:
        InputError: If no samples were made, or none were judged.
        ChecksumError: If a file is not what was committed.
    """
    if not samples_workspace(workspace).parts("records"):
        raise InputError(
            f"{workspace.root} has no counterfactual samples; run `isekai-gen counterfactuals` "
            "first"
        )
    judged = read_judged(workspace)
    if judged.unjudged:
        raise InputError(
            f"{len(judged.unjudged)} counterfactual samples of {workspace.root} were not judged "
            "yet; run `isekai-gen counterfactuals` to its end"
        )
    return tuple(
        KeptSample(record, picture_file(workspace, record.recipe))
        for record in judged.records
        if record.id not in judged.dropped
    )


@dataclass(frozen=True, eq=False)
class JudgedSamples:
    """What is said of samples.

    Attributes:
        records: All samples made, in shard order.
        dropped: Id to the name of what drops it: a filter, "person" or "source_dropped".
        unjudged: Ids of samples that some filter has no verdict on yet.
    """

    records: tuple[CounterfactualRecord, ...]
    dropped: Mapping[str, str]
    unjudged: frozenset[str]


def read_judged(workspace: Workspace) -> JudgedSamples:
    """All samples made so far, and what is said of them; nothing if there are none.

    Raises:
        ChecksumError: If a file is not what was committed.
    """
    made = {
        outcome.id: outcome
        for part in samples_workspace(workspace).parts("records")
        for outcome in read_outcomes(workspace, part)
        if isinstance(outcome, CounterfactualRecord)
    }
    records = tuple(made.values())
    verdicts = read_sample_verdicts(workspace)
    unjudged = {each for each in made if any(each not in said for said in verdicts.values())}
    return JudgedSamples(records, _dropped(workspace, records, verdicts), frozenset(unjudged))


def read_sample_verdicts(workspace: Workspace) -> dict[str, dict[str, Verdict]]:
    """Filter to sample id to verdict, filters in their declared order."""
    samples = samples_workspace(workspace)
    return {
        name: {
            verdict.image_id: verdict
            for part in samples.parts("records")
            for verdict in read_records(samples.part(samples.verdicts(name), part), Verdict)
        }
        for name in FILTERS
    }


def _dropped(
    workspace: Workspace,
    made: Sequence[CounterfactualRecord],
    verdicts: Mapping[str, Mapping[str, Verdict]],
) -> dict[str, str]:
    decisions = read_decisions(workspace)
    kept, _ = select_kept(read_drawn(workspace), read_verdicts(workspace), decisions)
    there, in_force = frozenset(kept), last_decisions(decisions)
    dropped: dict[str, str] = {}
    for record in made:
        decision = in_force.get((record.id,))
        if not there.issuperset((record.recipe.source, *record.recipe.fillers)):
            dropped[record.id] = SOURCE_DROPPED
        elif decision is not None:
            if decision.choice == "drop":
                dropped[record.id] = PERSON
        else:
            said = {name: of_all.get(record.id) for name, of_all in verdicts.items()}
            by = [name for name, verdict in said.items() if verdict and not verdict.keep]
            if by:
                dropped[record.id] = by[0]
    return dropped
