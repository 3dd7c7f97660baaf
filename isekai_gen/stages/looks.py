"""Look once at every generated picture: perceptual hashes, and what tells a useless picture."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.executors import Control, ShardResult, WorkOnShard, run_shards
from isekai_gen.hashing import file_sha256
from isekai_gen.models.perceptual import PictureHash, PictureHashes
from isekai_gen.records import PictureLook
from isekai_gen.shards import DoneMarker, is_whole, read_marker, write_marker
from isekai_gen.stages.context import StageContext, require_plan
from isekai_gen.stages.drawn import read_drawn_part
from isekai_gen.stages.embed_shard import open_recorded
from isekai_gen.stages.fingerprints import fingerprint_of, is_current
from isekai_gen.stages.looks_files import (
    STAGE,
    Looks,
    has_failures,
    look_file,
    read_looks,
    write_looks,
)
from isekai_gen.stages.looks_measures import LOOK_VERSION, look_at
from isekai_gen.stages.workers import common_profile, for_engine
from isekai_gen.workspace import Workspace

# What the measurements are made with; another version may give other bits.
_LIBRARIES = ("ImageHash", "numpy", "pillow", "scipy")
# Hashing is work for processor cores; a GPU would stand idle.
_DEVICES = ("cpu",)


def look_at_pictures(context: StageContext) -> Looks:
    """Measure every generated picture that was not measured yet, or whose record changed since.

    The caller holds the workspace's lock.

    Raises:
        InputError: If there is no workspace.
        ChecksumError: If files are not what was committed.
    """
    workspace = context.workspace
    require_plan(workspace)
    fingerprints = {part: _fingerprint(workspace, part) for part in workspace.parts("records")}
    todo = [part for part, print_ in fingerprints.items() if not _is_done(context, part, print_)]
    if todo:
        profile = common_profile(_DEVICES, "float32", context.engine)
        worker = LookWorker(workspace.root.resolve(), fingerprints)
        total = sum(
            sum(record.generated for record in read_drawn_part(workspace, part)) for part in todo
        )
        with context.reporter.task("Looking at images", total) as advance:
            ready = for_engine(worker, context, profile)
            results = run_shards(ready, todo, _DEVICES, advance, context.engine)
        for message in (message for result in results for message in result.messages):
            context.reporter.note(message)
    return read_looks(workspace)


def _fingerprint(workspace: Workspace, part: int) -> str:
    """Of what a shard's looks depend on; none of it is a setting, so that no change conflicts."""
    versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    records = file_sha256(workspace.part("records", part))
    return fingerprint_of(STAGE, {"look": LOOK_VERSION, "with": versions, "records": records})


def _is_done(context: StageContext, part: int, fingerprint: str) -> bool:
    workspace = context.workspace
    if not is_current(workspace, STAGE, part, fingerprint):
        return False
    marker = read_marker(workspace, STAGE, part)
    if marker is None or not is_whole(look_file(workspace, part), marker):
        context.reporter.note(f"{look_file(workspace, part)} is missing or damaged: made again")
        return False
    return not has_failures(workspace, part)


@dataclass(frozen=True)
class LookWorker:
    """Looks at the pictures of a workspace's shards; picklable.

    Attributes:
        root: The workspace.
        fingerprints: Part to the fingerprint its marker gets.
    """

    root: Path
    fingerprints: dict[int, str]

    def setup(self, device_name: str) -> WorkOnShard:
        """Nothing to load."""
        del device_name
        return self._work_on

    def _work_on(self, part: int, control: Control) -> ShardResult:
        workspace = Workspace(self.root)
        looks: list[PictureLook] = []
        hashes: list[PictureHash] = []
        failures: dict[str, str] = {}
        for record in read_drawn_part(workspace, part):
            if not record.generated:
                continue
            control.check()
            image, reason = open_recorded(workspace, record)
            if image is None:
                failures[record.image_id] = reason
            else:
                look = look_at(image)
                looks.append(look.record(record.image_id))
                hashes.append(look.hash)
            control.advance(1)
        digest = write_looks(workspace, part, looks, PictureHashes.of(hashes), failures)
        counts = {"looked_at": len(looks), "failed": len(failures)}
        marker = DoneMarker(STAGE, part, self.fingerprints[part], counts, digest)
        write_marker(workspace, marker)
        messages = tuple(f"{image_id}: not looked at: {why}" for image_id, why in failures.items())
        return ShardResult(part, counts, messages)
