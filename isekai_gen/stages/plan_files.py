"""The plan on disk: written once, grown by appending, replaced only on demand.

A plan that still holds every image planned before grows: old parts stay as they are, new parts are
appended. A plan that would lose images is refused, or with `force` replaces the old one, whose
records go to archive/; images that are still planned are then adopted without being drawn again.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import ChecksumError, StaleShardError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.records import ImageRecord, PlannedImage
from isekai_gen.shards import (
    DoneMarker,
    is_whole,
    read_marker,
    read_records,
    repair_tail,
    write_marker,
    write_records,
)
from isekai_gen.workspace import Workspace, sync_folder

_STAGE = "plan"
_MAX_PARTS = 100_000


@dataclass(frozen=True)
class PlanChange:
    """What committing a plan did.

    Attributes:
        planned: Images planned in all.
        added: Images added now.
        kept_from_before: Images that were planned already.
        archived: Images planned before that the new plan no longer holds.
    """

    planned: int
    added: int
    kept_from_before: int
    archived: int


def read_plan(workspace: Workspace) -> list[PlannedImage]:
    """Every planned image, in order.

    Raises:
        ChecksumError: If a part is missing, or not what was committed.
    """
    missing = set(workspace.parts(f"done/{_STAGE}", ".json")).difference(workspace.parts("plan"))
    if missing:
        raise ChecksumError(_damaged_message(workspace.part("plan", min(missing)), "is missing"))
    return [image for part in workspace.parts("plan") for image in read_plan_part(workspace, part)]


def read_plan_part(workspace: Workspace, part: int) -> list[PlannedImage]:
    """The planned images of one shard; ChecksumError if it is not what was committed."""
    path = workspace.part("plan", part)
    marker = read_marker(workspace, _STAGE, part)
    if marker is not None and not is_whole(path, marker):
        raise ChecksumError(_damaged_message(path, "is not what was committed"))
    return read_records(path, PlannedImage)


def _damaged_message(path: Path, what: str) -> str:
    return (
        f"{path} {what}; restore it, or run `isekai-gen generate --force-stage` to plan anew "
        "(images stay, and are not drawn again)"
    )


def commit_plan(
    workspace: Workspace,
    planned: Sequence[PlannedImage],
    shard_size: int,
    *,
    force: bool = False,
) -> PlanChange:
    """Bring the plan on disk to `planned`.

    Raises:
        StaleShardError: If images planned before would be lost and `force` is not set.
        ChecksumError: If the plan on disk was damaged and `force` is not set.
    """
    ids = [image.image_id for image in planned]
    fingerprint = digest_of(ids)
    old, damaged = _ids_on_disk(workspace, force=force)
    lost = old.difference(ids)
    if lost and not force:
        raise StaleShardError(_stale_message(workspace, len(lost), len(old), fingerprint))
    if lost or damaged:
        _archive(workspace)
    _mark_unmarked(workspace, fingerprint)
    on_disk = set() if lost else old
    new = [image for image in planned if image.image_id not in on_disk]
    _append_parts(workspace, new, fingerprint, shard_size)
    kept = len(old) - len(lost)
    return PlanChange(len(planned), len(planned) - kept, kept, len(lost))


def _ids_on_disk(workspace: Workspace, *, force: bool) -> tuple[set[str], bool]:
    """Image ids of the plan on disk, and whether it is damaged (then there are none)."""
    try:
        return {image.image_id for image in read_plan(workspace)}, False
    except ChecksumError:
        if not force:
            raise
        return set(), True


def _stale_message(workspace: Workspace, lost: int, old: int, fingerprint: str) -> str:
    marker = read_marker(workspace, _STAGE, workspace.parts("plan")[-1])
    before = marker.fingerprint[:12] if marker is not None else "(unfinished)"
    return (
        f"{lost} of the {old} images planned in {workspace.root} would no longer be planned: the "
        f"plan was made under fingerprint {before}, the settings now give {fingerprint[:12]}; "
        "rerun with --force-stage to replace the plan (its records go to archive/, images stay), "
        "or choose a new --workspace"
    )


def _append_parts(
    workspace: Workspace, images: Iterable[PlannedImage], fingerprint: str, shard_size: int
) -> None:
    parts = workspace.parts("plan")
    first = parts[-1] + 1 if parts else 0
    for part, shard in enumerate(_shards(images, shard_size), start=first):
        if part >= _MAX_PARTS:
            raise StaleShardError(f"a plan has at most {_MAX_PARTS} parts; raise --shard-size")
        write_records(workspace.part("plan", part), shard)
        _mark(workspace, part, len(shard), fingerprint)


def _shards(images: Iterable[PlannedImage], size: int) -> Iterable[list[PlannedImage]]:
    source = iter(images)
    while shard := list(itertools.islice(source, size)):
        yield shard


def _mark_unmarked(workspace: Workspace, fingerprint: str) -> None:
    """Mark parts that a killed run wrote but did not mark."""
    for part in workspace.parts("plan"):
        if read_marker(workspace, _STAGE, part) is None:
            images = read_records(workspace.part("plan", part), PlannedImage)
            _mark(workspace, part, len(images), fingerprint)


def _mark(workspace: Workspace, part: int, count: int, fingerprint: str) -> None:
    digest = file_sha256(workspace.part("plan", part))
    write_marker(workspace, DoneMarker(_STAGE, part, fingerprint, {"planned": count}, digest))


def _archive(workspace: Workspace) -> None:
    """Move plan, records and their done-markers to archive/<number>/.

    Records go first: a crash in between leaves a plan without records, which the next run with
    --force-stage archives as well; no record is ever without a folder.
    """
    base = workspace.root / "archive"
    taken = [int(path.name) for path in base.glob("*") if path.name.isdecimal()]
    folder = base / f"{max(taken, default=0) + 1:04d}"
    folder.mkdir(parents=True)
    for part in workspace.parts("records"):
        repair_tail(workspace.part("records", part))
    for name in ("done/generate", "records", "done/plan", "plan"):
        source = workspace.root / name
        if source.is_dir():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)
            sync_folder(target.parent)
            sync_folder(source.parent)


def archived_records(workspace: Workspace) -> dict[str, ImageRecord]:
    """Image id to its record, for generated images of plans that were replaced.

    Raises:
        ChecksumError: If an archived record cannot be read.
    """
    found: dict[str, ImageRecord] = {}
    folders = sorted((workspace.root / "archive").glob("*/records"))
    for path in (path for folder in folders for path in sorted(folder.glob("part-*.jsonl"))):
        for record in read_records(path, ImageRecord):
            if record.generated:
                found[record.image_id] = record
    return found
