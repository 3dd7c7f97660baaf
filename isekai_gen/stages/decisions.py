"""decisions.jsonl: people's decisions, appended by commands and by the review page.

Reviewing goes on while other commands run, so that appending has a lock of its own, held only for a
moment; the workspace's lock is not needed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from isekai_gen.records import Choice, Decision
from isekai_gen.shards import append_records, read_appended, repair_tail
from isekai_gen.storage import storage_errors
from isekai_gen.tool_version import tool_version
from isekai_gen.workspace import Workspace


def decide(
    images: Sequence[str], choice: Choice, by: str, *, reason: str = "", note: str = ""
) -> Decision:
    """A decision that is made now, with this version of isekai-gen.

    Args:
        images: One image id or two, in any order.
        choice: What was decided.
        by: Who decided.
        reason: Why, in a word or two.
        note: Anything else.

    Raises:
        ValueError: If the number of images does not fit the choice.
    """
    now = datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Decision(tuple(sorted(images)), choice, by, reason, note, now, tool_version())


def read_decisions(workspace: Workspace) -> list[Decision]:
    """People's decisions in the order they were made; a torn last line is not counted.

    Raises:
        ChecksumError: If a line is no decision; names it.
    """
    return read_appended(workspace.decisions_file, Decision)


def append_decisions(workspace: Workspace, decisions: Sequence[Decision]) -> None:
    """Add decisions and make them durable; a torn last line is cut off first, and said.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    with _appending(workspace):
        repair_tail(workspace.decisions_file)
        append_records(workspace.decisions_file, decisions)


@contextmanager
def _appending(workspace: Workspace) -> Iterator[None]:
    """Be the only one who appends; waits for another."""
    path = workspace.root / ".decisions.lock"
    with storage_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
