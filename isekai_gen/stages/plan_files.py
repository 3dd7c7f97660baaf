"""The plan on disk: written once, grown by appending, replaced only on demand.

A plan grows by new parts; old ones stay as they are, byte for byte, whatever words they were made
with. Where images would be lost (`plan_check`), the new plan is refused, or with `force` replaces
the old one, whose records go to archive/; images that are still planned are then adopted without
being drawn again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from pathlib import Path

from isekai_gen.errors import ChecksumError, StaleShardError
from isekai_gen.hashing import file_sha256
from isekai_gen.records import ImageRecord, PlannedImage
from isekai_gen.shards import (
    DoneMarker,
    encode_marker,
    is_whole,
    read_marker,
    read_records,
    repair_tail,
    write_marker,
)
from isekai_gen.stages.known_plan import KnownPlan
from isekai_gen.stages.packing import pack_micro_batches
from isekai_gen.stages.plan_draft import DraftPart, PlanDraft
from isekai_gen.stages.plan_lines import read_heads
from isekai_gen.storage import move_all, sync_folder, write_staged
from isekai_gen.workspace import Workspace

STAGE = "plan"
"""The stage that plans, for done-markers."""

_MAX_PARTS = 100_000


def read_plan_part(workspace: Workspace, part: int) -> list[PlannedImage]:
    """The planned images of one shard; ChecksumError if it is not what was committed."""
    path = workspace.part("plan", part)
    marker = read_marker(workspace, STAGE, part)
    if marker is not None and not is_whole(path, marker):
        raise ChecksumError(_damaged_message(path, "is not what was committed"))
    return read_records(path, PlannedImage)


def count_planned(workspace: Workspace, part: int) -> Counter[str]:
    """Concept slug to images planned in a part: from its done-marker, else from the part."""
    marker = read_marker(workspace, STAGE, part)
    if marker is not None and marker.by_concept:
        return Counter({slug: counts["planned"] for slug, counts in marker.by_concept.items()})
    return Counter(image.concept for image in read_plan_part(workspace, part))


def count_micro_batches(workspace: Workspace, part: int) -> int:
    """Micro-batches that the images of a part fill: from its done-marker, else from the part."""
    marker = read_marker(workspace, STAGE, part)
    if marker is not None and "micro_batches" in marker.counts:
        return marker.counts["micro_batches"]
    return len(pack_micro_batches(read_plan_part(workspace, part)))


def plan_digest(workspace: Workspace, part: int) -> str:
    """SHA-256 of a part: as its done-marker commits it, else of the file."""
    marker = read_marker(workspace, STAGE, part)
    return file_sha256(workspace.part("plan", part)) if marker is None else marker.digest


def check_complete(workspace: Workspace) -> None:
    """Raise ChecksumError if a committed part is missing."""
    missing = set(workspace.parts(f"done/{STAGE}", ".json")).difference(workspace.parts("plan"))
    if missing:
        raise ChecksumError(_damaged_message(workspace.part("plan", min(missing)), "is missing"))


def _damaged_message(path: Path, what: str) -> str:
    return (
        f"{path} {what}; restore it, or run `isekai-gen generate --force-stage` to plan anew "
        "(images stay, and are not drawn again)"
    )


def read_known(workspace: Workspace) -> KnownPlan:
    """The ids of a plan, by concept and index.

    Raises:
        ChecksumError: If a part is missing, or not what was committed.
    """
    check_complete(workspace)
    known = KnownPlan()
    for part in workspace.parts("plan"):
        path = workspace.part("plan", part)
        marker = read_marker(workspace, STAGE, part)
        content = path.read_bytes()
        if marker is not None and hashlib.sha256(content).hexdigest() != marker.digest:
            raise ChecksumError(_damaged_message(path, "is not what was committed"))
        try:
            known.add(read_heads(content))
        except ValueError as error:
            raise ChecksumError(_damaged_message(path, f"is no plan: {error}")) from error
    return known


def commit_draft(workspace: Workspace, draft: PlanDraft, *, replace: bool) -> None:
    """Put a finished draft into place: after the plan on disk, or in its stead.

    Parts are moved first, then their done-markers. After a crash in between, parts without a
    marker get theirs with the next commit, and what is missing is planned again to the same bytes.

    Args:
        workspace: Where.
        draft: The draft, finished; made against the plan on disk, or against none to replace it.
        replace: Whether the plan on disk goes to archive/ first.

    Raises:
        StaleShardError: If there would be too many parts.
        StorageError: If the disk is full or read-only.
    """
    if replace:
        _archive(workspace)
    _mark_unmarked(workspace, draft.fingerprint)
    if not draft.parts:
        return
    parts = workspace.parts("plan")
    first = parts[-1] + 1 if parts else 0
    if first + len(draft.parts) > _MAX_PARTS:
        raise StaleShardError(f"a plan has at most {_MAX_PARTS} parts; raise --shard-size")
    numbered = list(enumerate(draft.parts, start=first))
    markers = {}
    for number, part in numbered:
        marker = _marker(number, part, draft.fingerprint)
        path = part.path.with_suffix(".json")
        write_staged(path, encode_marker(marker))
        markers[path] = workspace.done(STAGE, number)
    move_all({part.path: workspace.part("plan", number) for number, part in numbered})
    move_all(markers)


def _marker(number: int, part: DraftPart, fingerprint: str) -> DoneMarker:
    by_concept = {slug: {"planned": count} for slug, count in part.by_concept.items()}
    counts = {"planned": part.by_concept.total(), "micro_batches": part.micro_batches}
    return DoneMarker(STAGE, number, fingerprint, counts, part.digest, by_concept)


def _mark_unmarked(workspace: Workspace, fingerprint: str) -> None:
    """Mark parts that a killed run moved into place but did not mark."""
    for number in workspace.parts("plan"):
        if read_marker(workspace, STAGE, number) is None:
            path = workspace.part("plan", number)
            images = read_records(path, PlannedImage)
            part = DraftPart(
                path=path,
                digest=file_sha256(path),
                by_concept=Counter(image.concept for image in images),
                micro_batches=len(pack_micro_batches(images)),
            )
            write_marker(workspace, _marker(number, part, fingerprint))


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
