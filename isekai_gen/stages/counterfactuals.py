"""Counterfactual samples of the kept images: planned, made shard by shard, judged.

They lie in a folder of their own and are no images of the main split: nothing that counts, lists or
releases images looks there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.counterfactuals.records import CounterfactualRecord
from isekai_gen.errors import StaleShardError
from isekai_gen.executors import run_shards
from isekai_gen.hashing import file_sha256
from isekai_gen.shards import DoneMarker, is_whole, read_marker, write_marker, write_records
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.counterfactual_curate import judge_samples
from isekai_gen.stages.counterfactual_files import (
    PLAN_STAGE,
    STAGE,
    PlannedSample,
    picture_file,
    read_outcomes,
    read_plan,
    samples_workspace,
)
from isekai_gen.stages.counterfactual_making import Making, resolve_making
from isekai_gen.stages.counterfactual_plan import plan_from
from isekai_gen.stages.counterfactual_shard import SampleWorker
from isekai_gen.stages.counterfactual_status import SampleStatus, read_sample_status
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.fingerprints import (
    fingerprint_of,
    forget_shard,
    forget_stage,
    is_current,
)
from isekai_gen.stages.selection import Selection, select
from isekai_gen.stages.workers import for_engine
from isekai_gen.storage import remove_temporary_files
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class CounterfactualReport:
    """What there is after making samples.

    Attributes:
        status: The numbers; they add up.
        making: How objects were found and replaced.
        worked: Whether any sample was left to make.
    """

    status: SampleStatus
    making: Making
    worked: bool

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        making = self.making
        return {
            **self.status.to_json(),
            "encoder": making.spec.label,
            "method": making.method,
            "limit": making.limit,
            "limit_source": making.limit_source,
            "worked": self.worked,
        }


def make_counterfactuals(context: StageContext) -> CounterfactualReport:
    """Make and judge the samples that the settings ask for; the caller holds the lock.

    Raises:
        InputError: If no image is kept, or there are too few to fill others.
        ModelError: If the encoder or the image generator does not allow what is asked for.
        StaleShardError: If samples were made under other settings and `context.force` is not set.
    """
    workspace = context.workspace
    selection = select(context)
    making = resolve_making(context, selection.catalog)
    fingerprints = _plan(context, selection, making)
    todo = [
        part
        for part, fingerprint in fingerprints.items()
        if not _is_done(context, part, fingerprint)
    ]
    context.remember_settings("counterfactuals")
    if todo:
        _make(context, making, fingerprints, todo)
    kept = [image for images in selection.kept_by_concept().values() for image in images]
    judge_samples(context, sorted(kept, key=lambda image: image.image_id))
    return CounterfactualReport(read_sample_status(workspace), making, worked=bool(todo))


def _plan(context: StageContext, selection: Selection, making: Making) -> dict[int, str]:
    """Write the plan of every shard that has another one now.

    Returns:
        Part to the fingerprint of its samples.
    """
    workspace = context.workspace
    settings = context.settings.counterfactuals
    plan = plan_from(settings, making, selection.catalog, selection.kept_by_concept())
    chosen = settings.model_dump(exclude={"limit", "method"})
    shared = {**making.fingerprint(), **chosen, "random": settings.method == "random"}
    kept = frozenset(selection.kept)
    planned = {
        part: [
            sample
            for image in read_drawn_part(workspace, part)
            if image.image_id in kept
            for sample in plan.samples_of(image)
        ]
        for part in workspace.parts("records")
    }
    fingerprints = {
        part: fingerprint_of(shared, [sample.to_json() for sample in of_part])
        for part, of_part in planned.items()
    }
    _refuse_or_forget(context, fingerprints)
    samples = samples_workspace(workspace)
    for part, of_part in planned.items():
        if not is_current(samples, PLAN_STAGE, part, fingerprints[part]):
            _write_plan(samples, part, of_part, fingerprints[part])
    return fingerprints


def _refuse_or_forget(context: StageContext, fingerprints: Mapping[int, str]) -> None:
    """Before anything changes: with other settings stop, or with --force-stage begin anew.

    Records are forgotten, too: the same recipe may give other pixels now.
    """
    samples = samples_workspace(context.workspace)
    try:
        for part, fingerprint in fingerprints.items():
            is_current(samples, PLAN_STAGE, part, fingerprint)
    except StaleShardError:
        if not context.force:
            raise
        for stage in (STAGE, PLAN_STAGE):
            forget_stage(samples, stage)
        for part in samples.parts("records"):
            samples.part("records", part).unlink()
    for stale in set(samples.parts("plan")) - fingerprints.keys():
        _forget_part(samples, stale)


def _forget_part(samples: Workspace, part: int) -> None:
    """Samples of a shard that the main plan has no longer."""
    for stage in (STAGE, PLAN_STAGE):
        forget_shard(samples, stage, part)
    for folder in ("records", "plan"):
        samples.part(folder, part).unlink(missing_ok=True)


def _write_plan(
    samples: Workspace, part: int, planned: Sequence[PlannedSample], fingerprint: str
) -> None:
    for stage in (STAGE, PLAN_STAGE):
        forget_shard(samples, stage, part)
    path = samples.part("plan", part)
    write_records(path, planned)
    counts = {"planned": len(planned)}
    write_marker(samples, DoneMarker(PLAN_STAGE, part, fingerprint, counts, file_sha256(path)))


def _is_done(context: StageContext, part: int, fingerprint: str) -> bool:
    """Whether a shard's samples are all there, and none of them failed for now."""
    workspace = context.workspace
    samples = samples_workspace(workspace)
    marker = read_marker(samples, STAGE, part)
    if marker is None or marker.fingerprint != fingerprint:
        return False
    path = samples.part("records", part)
    if not is_whole(path, marker):
        context.reporter.note(f"{path} is missing or damaged: its samples are made again")
        forget_shard(samples, STAGE, part)
        path.unlink(missing_ok=True)
        return False
    outcomes = read_outcomes(workspace, part)
    if marker.counts["failed"]:
        return False
    missing = [
        outcome.id
        for outcome in outcomes
        if isinstance(outcome, CounterfactualRecord)
        and not picture_file(workspace, outcome.recipe).is_file()
    ]
    if missing:
        context.reporter.note(f"{len(missing)} samples have lost their picture: made again")
    return not missing


def _make(
    context: StageContext, making: Making, fingerprints: dict[int, str], parts: Sequence[int]
) -> None:
    workspace = context.workspace
    for part in parts:
        forget_shard(samples_workspace(workspace), STAGE, part)
    worker = SampleWorker(workspace.root.resolve(), making, fingerprints)
    total = sum(len(read_plan(workspace, part)) for part in parts)
    with context.reporter.task("Making counterfactual samples", total) as advance:
        results = run_shards(
            for_engine(worker, context, making.profile),
            parts,
            context.device_names(),
            advance,
            context.engine,
        )
    remove_temporary_files(samples_workspace(workspace).root)  # of workers that were lost
    for message in (message for result in results for message in result.messages):
        context.reporter.note(message)
