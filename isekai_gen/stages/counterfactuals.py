"""Counterfactual samples of the kept images: planned, made shard by shard, judged.

They lie in a folder of their own and are no images of the main split: nothing that counts, lists or
releases images looks there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.errors import StaleShardError
from isekai_gen.executors import run_shards
from isekai_gen.shards import DoneMarker, encode_lines, write_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.counterfactual_curate import judge_samples
from isekai_gen.stages.counterfactual_done import made_otherwise, shards_to_make
from isekai_gen.stages.counterfactual_files import (
    PLAN_STAGE,
    STAGE,
    PlannedSample,
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
from isekai_gen.storage import remove_temporary_files, write_atomically
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
    context.remember_settings("counterfactuals", "embed")
    todo = shards_to_make(context, fingerprints)
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
        _write_plan(samples, part, of_part, fingerprints[part])
    return fingerprints


def _refuse_or_forget(context: StageContext, fingerprints: Mapping[int, str]) -> None:
    """Before anything changes: with other settings stop, or with --force-stage begin anew.

    Records are forgotten, too: the same recipe may give other pixels now. Markers of the plan go
    last: until then a run that was killed here is refused again.
    """
    samples = samples_workspace(context.workspace)
    try:
        for part, fingerprint in fingerprints.items():
            is_current(samples, PLAN_STAGE, part, fingerprint)
    except StaleShardError as error:
        if not context.force:
            raise made_otherwise(context, error) from error
        forget_stage(samples, STAGE)
        for part in samples.parts("records"):
            samples.part("records", part).unlink()
        forget_stage(samples, PLAN_STAGE)
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
    """Unless it stands there byte for byte: a marker alone may be wrong, and paths are read."""
    path, content = samples.part("plan", part), encode_lines(each.to_json() for each in planned)
    current = is_current(samples, PLAN_STAGE, part, fingerprint)
    if current and path.is_file() and path.read_bytes() == content:
        return
    for stage in (STAGE, PLAN_STAGE):
        forget_shard(samples, stage, part)
    write_atomically(path, content)
    counts, digest = {"planned": len(planned)}, hashlib.sha256(content).hexdigest()
    write_marker(samples, DoneMarker(PLAN_STAGE, part, fingerprint, counts, digest))


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
