"""What every filter said about the images of one shard."""

from __future__ import annotations

from isekai_gen.filters import all_filters
from isekai_gen.records import Verdict
from isekai_gen.shards import read_records
from isekai_gen.workspace import Workspace


def read_verdicts_on(workspace: Workspace, part: int) -> dict[str, dict[str, Verdict]]:
    """Filter to image id to verdict on one shard, filters in their declared order.

    Raises:
        ChecksumError: If a file cannot be read.
    """
    return {
        name: {
            verdict.image_id: verdict
            for verdict in read_records(workspace.part(workspace.verdicts(name), part), Verdict)
        }
        for name in all_filters()
    }
