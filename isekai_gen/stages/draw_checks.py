"""Which shards are left to draw: none that is finished under these settings and still intact."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from isekai_gen.errors import StaleShardError
from isekai_gen.hashing import digest_of, file_sha256
from isekai_gen.records import ImageRecord, Provenance
from isekai_gen.shards import read_marker, read_records, repair_tail, write_records
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.draw_shard import is_intact, shard_fingerprint
from isekai_gen.stages.drawn import STAGE, read_drawn_part
from isekai_gen.stages.fingerprints import forget_shard, forget_stage, is_current
from isekai_gen.stages.plan_files import archived_records
from isekai_gen.workspace import Workspace

_CHECKING_THREADS = 4


def accept_other_profiles(workspace: Workspace, provenance: Provenance) -> None:
    """With --force-stage, finished shards of another profile are accepted as they are.

    Their images have the ids of this recipe; every record keeps saying how it was drawn.
    """
    for part in workspace.parts(f"done/{STAGE}", ".json"):
        marker = read_marker(workspace, STAGE, part)
        plan_digest = file_sha256(workspace.part("plan", part))
        if marker is not None and marker.fingerprint != shard_fingerprint(provenance, plan_digest):
            forget_stage(workspace, STAGE)
            return


def forget_failures(workspace: Workspace) -> None:
    """Take failed images out of the records, so that they are drawn again."""
    for part in workspace.parts("records"):
        path = workspace.part("records", part)
        repair_tail(path)
        records = read_records(path, ImageRecord)
        generated = [record for record in records if record.generated]
        if len(generated) < len(records):
            forget_shard(workspace, STAGE, part)
            write_records(path, generated)


def parts_to_do(context: StageContext, provenance: Provenance) -> list[int]:
    """Shards that are not done, or whose pictures are no longer what was recorded.

    Raises:
        StaleShardError: If a shard was finished or begun under other settings.
        ChecksumError: If a finished records part was changed.
    """
    workspace = context.workspace
    parts = workspace.parts("plan")
    adoptable = archived_records(workspace).keys()
    todo = []
    with (
        context.reporter.task("Checking what is there", len(parts)) as advance,
        ThreadPoolExecutor(_CHECKING_THREADS) as threads,
    ):
        for part in parts:
            advance(1)
            plan_digest = file_sha256(workspace.part("plan", part))
            fingerprint = shard_fingerprint(provenance, plan_digest)
            current = is_current(workspace, STAGE, part, fingerprint)
            if not workspace.part("records", part).exists():
                forget_shard(workspace, STAGE, part)
                current = False
            records = read_drawn_part(workspace, part)
            if not current:
                if not context.force:
                    _check_begun(workspace, records, provenance, adoptable)
                todo.append(part)
                continue
            drawn = [record for record in records if record.generated]
            if not all(threads.map(lambda record: is_intact(workspace, record), drawn)):
                todo.append(part)
    return todo


def _check_begun(
    workspace: Workspace,
    records: Sequence[ImageRecord],
    provenance: Provenance,
    adoptable: Collection[str],
) -> None:
    """Raise StaleShardError if a shard was begun under another profile or model label."""
    for record in records:
        if record.provenance != provenance and record.image_id not in adoptable:
            before = digest_of(asdict(record.provenance))[:12]
            raise StaleShardError(
                f"stage 'generate' of {workspace.root} was begun under fingerprint {before}, the "
                f"settings now give {digest_of(asdict(provenance))[:12]} (model, library "
                "versions or device changed); rerun with --force-stage to go on all the same, "
                "or choose a new --workspace"
            )
