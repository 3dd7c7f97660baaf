"""reports/duplicates/: what people look through after dedupe, and the numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isekai_gen.filters.near_duplicate import ReviewPair
from isekai_gen.neighbors.groups import DuplicateGroup
from isekai_gen.records import SCHEMA
from isekai_gen.shards import encode_lines
from isekai_gen.stages.duplicate_lists import DuplicateLists
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

_FOLDER = "duplicates"
NAMES = ("groups.jsonl", "review.jsonl", "memorized.jsonl", "summary.json")


def report_files(workspace: Workspace) -> list[Path]:
    """Where the reports lie, in the order of `NAMES`."""
    return [workspace.reports / _FOLDER / name for name in NAMES]


def write_duplicate_reports(
    workspace: Workspace, lists: DuplicateLists, summary: Mapping[str, Any]
) -> None:
    """Write the four files; one that has its content already stays untouched.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    text = json.dumps(summary, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    contents = (
        encode_lines(_group_row(lists.decided.ids, group) for group in lists.groups),
        encode_lines(_review_row(pair) for pair in lists.review),
        encode_lines(prompt.to_json() for prompt in lists.memorized),
        f"{text}\n".encode(),
    )
    for path, content in zip(report_files(workspace), contents, strict=True):
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)


def _group_row(ids: Sequence[str], group: DuplicateGroup) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "representative": ids[group.representative],
        "members": [ids[row] for row in group.members.tolist()],
        "diameter": group.diameter,
        "diameter_is_exact": group.is_exact,
    }


def _review_row(pair: ReviewPair) -> dict[str, Any]:
    return {"schema": SCHEMA, **pair.__dict__, "images": list(pair.images)}
