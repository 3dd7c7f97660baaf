"""Which shards are left to draw: none that is finished under these settings and still intact."""

from __future__ import annotations

import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from isekai_gen.errors import ChecksumError, StaleShardError
from isekai_gen.hashing import digest_of
from isekai_gen.records import ImageRecord, Provenance
from isekai_gen.shards import (
    check_part,
    modified_ns,
    read_marker,
    read_records,
    repair_tail,
    write_records,
)
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.draw_shard import shard_fingerprint
from isekai_gen.stages.drawn import STAGE, read_drawn_part
from isekai_gen.stages.fingerprints import forget_shard, forget_stage, is_current
from isekai_gen.stages.plan_files import archived_records, plan_digest
from isekai_gen.stages.restoring import is_intact
from isekai_gen.workspace import Workspace

_CHECKING_THREADS = 4
# Images are never drawn over, so that forcing keeps those there are.
_REMEDY = "rerun with --force-stage to go on all the same, or choose a new --workspace"
_PICTURE = re.compile(rb'"path": "(images/[a-z0-9-]+/[0-9a-f]{20}\.[a-z]+)"')


def accept_other_profiles(workspace: Workspace, provenance: Provenance) -> None:
    """With --force-stage, finished shards of another profile are accepted as they are.

    Their images have the ids of this recipe; every record keeps saying how it was drawn.
    """
    for part in workspace.parts(f"done/{STAGE}", ".json"):
        marker = read_marker(workspace, STAGE, part)
        fingerprint = shard_fingerprint(provenance, plan_digest(workspace, part))
        if marker is not None and marker.fingerprint != fingerprint:
            forget_stage(workspace, STAGE)
            return


def forget_failures(workspace: Workspace) -> None:
    """Take failed images out of the records, so that they are drawn again."""
    for part in workspace.parts("records"):
        marker = read_marker(workspace, STAGE, part)
        if marker is not None and not marker.counts["failed"]:
            continue
        path = workspace.part("records", part)
        repair_tail(path)
        records = read_records(path, ImageRecord)
        generated = [record for record in records if record.generated]
        if len(generated) < len(records):
            forget_shard(workspace, STAGE, part)
            write_records(path, generated)


def parts_to_do(context: StageContext, provenance: Provenance) -> list[int]:
    """Shards that are not done, or whose pictures are no longer what was recorded.

    A picture of a finished shard counts as intact if it is there and was last written before the
    shard's done-marker, as git tells changed files; others are hashed. So a rerun over a million
    pictures asks the file system about each, and reads none. A byte that flipped on the disk
    without a write is found by `release build` and `release verify`, which read everything.

    Raises:
        StaleShardError: If a shard was finished or begun under other settings.
        ChecksumError: If a finished records part was changed.
    """
    workspace = context.workspace
    parts = workspace.parts("plan")
    unfinished = {part for part in parts if not _is_finished(workspace, part, provenance)}
    if not context.force:
        _check_begun(workspace, unfinished, provenance)
    finished = [part for part in parts if part not in unfinished]
    with (
        context.reporter.task("Checking what is there", len(finished)) as advance,
        ThreadPoolExecutor(_CHECKING_THREADS) as threads,
    ):
        intact = threads.map(lambda part: _pictures_intact(workspace, part), finished)
        for part, whole in zip(finished, intact, strict=True):
            advance(1)
            if not whole:
                unfinished.add(part)
    return sorted(unfinished)


def _is_finished(workspace: Workspace, part: int, provenance: Provenance) -> bool:
    """Whether a shard has a done-marker of these settings, and its records."""
    fingerprint = shard_fingerprint(provenance, plan_digest(workspace, part))
    current = is_current(workspace, STAGE, part, fingerprint, _REMEDY)
    if not workspace.part("records", part).exists():
        forget_shard(workspace, STAGE, part)
        return False
    return current


def _pictures_intact(workspace: Workspace, part: int) -> bool:
    """Whether the pictures of a finished shard are there, with the recorded bytes."""
    path = workspace.part("records", part)
    marker = read_marker(workspace, STAGE, part)
    finished = modified_ns(workspace.done(STAGE, part))
    if marker is None or finished is None:
        raise RuntimeError(f"shard {part} lost its done-marker while it was checked")
    check_part(path, marker, finished)
    # The path of a record follows from its concept and id, and no text of a record holds bare
    # quotes: so the paths are found without parsing, a hundred times as fast.
    pictures = [name.decode() for name in _PICTURE.findall(path.read_bytes())]
    if len(pictures) != marker.counts["generated"]:
        raise ChecksumError(
            f"{path}: {len(pictures)} pictures, its done-marker says {marker.counts['generated']}; "
            f"delete {workspace.done(STAGE, part)} and run again: the shard is then checked"
        )
    written = [modified_ns(workspace.root / name) for name in pictures]
    if None in written:
        return False
    if all(time is not None and time < finished for time in written):
        return True
    return all(
        is_intact(workspace, record)
        for record, time in zip(_generated(workspace, part), written, strict=True)
        if time is not None and time >= finished
    )


def _generated(workspace: Workspace, part: int) -> list[ImageRecord]:
    return [record for record in read_drawn_part(workspace, part) if record.generated]


def _check_begun(workspace: Workspace, parts: Collection[int], provenance: Provenance) -> None:
    """Raise StaleShardError if a shard was begun under another profile or model label."""
    begun = [
        record
        for part in sorted(parts)
        for record in read_drawn_part(workspace, part)
        if record.provenance != provenance
    ]
    if not begun:
        return
    adoptable = archived_records(workspace)
    for record in begun:
        if record.image_id not in adoptable:
            before = digest_of(asdict(record.provenance))[:12]
            raise StaleShardError(
                f"stage 'generate' of {workspace.root} was begun under fingerprint {before}, the "
                f"settings now give {digest_of(asdict(provenance))[:12]} (model, library "
                f"versions or device changed); {_REMEDY}"
            )
