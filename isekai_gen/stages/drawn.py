"""Read what `generate` recorded, also while or after a run that did not end well."""

from __future__ import annotations

from isekai_gen.records import ImageRecord
from isekai_gen.shards import check_part, read_appended, read_marker
from isekai_gen.workspace import Workspace

STAGE = "generate"
"""The stage that draws, for done-markers."""


def read_drawn_part(workspace: Workspace, part: int) -> list[ImageRecord]:
    """The records of one shard; a torn last line, which the next `generate` repairs, is left out.

    Raises:
        ChecksumError: If a whole line is no record, or the part is not what was committed.
    """
    path = workspace.part("records", part)
    if not path.exists():
        return []  # begun by no one yet, or lost: `generate` draws it again
    marker = read_marker(workspace, STAGE, part)
    if marker is not None:
        check_part(path, marker)
    return read_appended(path, ImageRecord)


def read_drawn(workspace: Workspace) -> list[ImageRecord]:
    """Every record, generated or failed, in shard order."""
    return [
        record for part in workspace.parts("records") for record in read_drawn_part(workspace, part)
    ]
