"""Which shards of counterfactual samples need nothing more, and what stands in the way of others.

A picture of a finished shard counts as intact if it was last written before the shard's
done-marker, as of images; others are opened. What flipped on the disk without a write is found by
whoever reads every picture: manifests, evaluations and releases.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from isekai_gen.cores import usable_cores
from isekai_gen.counterfactuals.records import CounterfactualRecord
from isekai_gen.errors import StaleShardError
from isekai_gen.settings import read_settings
from isekai_gen.shards import is_whole, modified_ns, read_marker
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.counterfactual_files import (
    STAGE,
    picture_file,
    read_outcomes,
    samples_workspace,
)
from isekai_gen.stages.counterfactual_pictures import open_sample
from isekai_gen.stages.fingerprints import forget_shard
from isekai_gen.stages.looks_files import STAGE as LOOKS_STAGE
from isekai_gen.stages.looks_files import has_failures, look_file
from isekai_gen.workspace import Workspace


def shards_to_make(context: StageContext, fingerprints: dict[int, str]) -> list[int]:
    """Shards with samples that are not made, failed for now, or are damaged; the last are said.

    Args:
        context: The workspace, whose lock the caller holds.
        fingerprints: Part to the fingerprint of its samples, of every part of the plan.

    Raises:
        ChecksumError: If a done-marker is damaged.
    """
    return [part for part, wanted in fingerprints.items() if not _is_done(context, part, wanted)]


def _is_done(context: StageContext, part: int, fingerprint: str) -> bool:
    samples = samples_workspace(context.workspace)
    marker = read_marker(samples, STAGE, part)
    if marker is None or marker.fingerprint != fingerprint:
        return False
    path = samples.part("records", part)
    if not is_whole(path, marker):
        context.reporter.note(f"{path} is missing or damaged: its samples are made again")
        forget_shard(samples, STAGE, part)
        path.unlink(missing_ok=True)
        return False
    if marker.counts["failed"]:
        return False
    return _is_looked_at(context, part) and _has_pictures(context, part)


def _is_looked_at(context: StageContext, part: int) -> bool:
    samples = samples_workspace(context.workspace)
    path, marker = look_file(samples, part), read_marker(samples, LOOKS_STAGE, part)
    if marker is None or not is_whole(path, marker):
        context.reporter.note(f"{path} is missing or damaged: made again")
        return False
    return not has_failures(samples, part)


def _has_pictures(context: StageContext, part: int) -> bool:
    workspace = context.workspace
    finished = modified_ns(samples_workspace(workspace).done(STAGE, part)) or 0
    made = [
        outcome
        for outcome in read_outcomes(workspace, part)
        if isinstance(outcome, CounterfactualRecord)
    ]
    # A copied workspace may have lost its times; then every picture is opened.
    with ThreadPoolExecutor(usable_cores()) as threads:
        intact = list(threads.map(lambda record: _is_intact(workspace, record, finished), made))
    lost = intact.count(False)
    if lost:
        context.reporter.note(f"{lost} samples have lost their picture: made again")
    return not lost


def _is_intact(workspace: Workspace, record: CounterfactualRecord, finished: int) -> bool:
    """Whether a sample's picture is there with the recorded pixels; `finished` in ns."""
    path = picture_file(workspace, record.recipe)
    if not path.is_file():
        return False
    written = modified_ns(path)
    if written is not None and written < finished:
        return True
    return open_sample(workspace, record)[0] is not None


def made_otherwise(context: StageContext, error: StaleShardError) -> StaleShardError:
    """The error about samples that were made under other settings, with what is another one now.

    Settings are remembered once samples are planned, so isekai.toml has those of the samples.
    """
    before = read_settings(context.workspace.settings_file).counterfactuals.model_dump()
    now = context.settings.counterfactuals.model_dump()
    changed = [
        f"{name} = {_shown(now[name])}, was {_shown(before[name])}"
        for name in now
        if now[name] != before[name]
    ]
    what = "; ".join(changed) or (
        "isekai.toml by hand, encoder, image generator, words of concepts, versions of libraries "
        "or kind of device"
    )
    return StaleShardError(f"every sample depends on what was changed ({what}): {error}")


def _shown(value: Any) -> str:  # noqa: ANN401 - of any setting
    if value is None:
        return "default"
    return ",".join(value) if isinstance(value, tuple) else str(value)
