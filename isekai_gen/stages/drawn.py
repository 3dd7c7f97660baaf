"""Read what `generate` recorded, also while or after a run that did not end well."""

from __future__ import annotations

import json

from isekai_gen.errors import ChecksumError
from isekai_gen.records import ImageRecord
from isekai_gen.workspace import Workspace


def read_drawn_part(workspace: Workspace, part: int) -> list[ImageRecord]:
    """The records of one shard; a torn last line, which the next `generate` repairs, is left out.

    Raises:
        ChecksumError: If a whole line is no record; names file and line.
    """
    path = workspace.part("records", part)
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    records = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            records.append(ImageRecord.from_json(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            raise ChecksumError(f"{path}:{number}: {error}") from error
    return records


def read_drawn(workspace: Workspace) -> list[ImageRecord]:
    """Every record, generated or failed, in shard order."""
    return [
        record for part in workspace.parts("records") for record in read_drawn_part(workspace, part)
    ]
