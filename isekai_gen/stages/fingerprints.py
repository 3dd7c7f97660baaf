"""Fingerprints of finished shards: one half for the settings, one for the inputs.

Other settings under finished work are a conflict that the user must solve (`StaleShardError`).
Other inputs under the same settings (an image more, a failed one retried) only mean that the shard
is done again.
"""

from __future__ import annotations

from typing import Any

from isekai_gen.errors import StaleShardError
from isekai_gen.hashing import digest_of
from isekai_gen.shards import read_marker
from isekai_gen.storage import sync_folder
from isekai_gen.workspace import Workspace

_HALF = 32
_SHOWN = 12
REDO = "rerun with --force-stage to redo this stage"
"""The remedy of stages that make their files again; another workspace would not help them."""


def fingerprint_of(settings: Any, inputs: Any) -> str:  # noqa: ANN401 - any JSON values
    """64 hex digits: the first half from what the user chose, the second from what went in."""
    return digest_of(settings)[:_HALF] + digest_of(inputs)[:_HALF]


def is_current(
    workspace: Workspace, stage: str, part: int, fingerprint: str, remedy: str = REDO
) -> bool:
    """Whether a shard was finished under these settings and inputs.

    Args:
        workspace: The folder.
        stage: Name of the stage.
        part: Number of the shard.
        fingerprint: As `fingerprint_of` makes it.
        remedy: What the user can do if it was finished under other settings.

    Raises:
        StaleShardError: If it was finished under other settings; names both, and the remedy.
        ChecksumError: If its done-marker is damaged.
    """
    marker = read_marker(workspace, stage, part)
    if marker is None:
        return False
    if marker.fingerprint[:_HALF] != fingerprint[:_HALF]:
        raise StaleShardError(
            f"stage {stage!r} of {workspace.root} was done under fingerprint "
            f"{marker.fingerprint[:_SHOWN]}, the settings now give {fingerprint[:_SHOWN]}; {remedy}"
        )
    return marker.fingerprint == fingerprint


def forget_shard(workspace: Workspace, stage: str, part: int) -> None:
    """Remove a shard's done-marker, if there is one, so that the shard is done again.

    To be called before its file changes: a marker never outlives what it commits.
    """
    path = workspace.done(stage, part)
    if path.exists():
        path.unlink()
        sync_folder(path.parent)


def forget_stage(workspace: Workspace, stage: str) -> None:
    """Remove a stage's done-markers, so that it is done again; its files stay until then."""
    for part in workspace.parts(f"done/{stage}", ".json"):
        forget_shard(workspace, stage, part)
