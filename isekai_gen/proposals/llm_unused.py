"""Answers that could not be proposed, and why, on disk for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.proposals.llm_calls import CallRole
from isekai_gen.records.base import Record
from isekai_gen.shards import append_records, read_records, repair_tail

UNUSED_FILE = "unusable.jsonl"


@dataclass(frozen=True)
class UnusedAnswer(Record):
    """Part of an answer that was not proposed, and why.

    Attributes:
        request: Digest of the call, as in the record of calls.
        role: What the model was asked as.
        reason: Why it is not used.
    """

    request: str
    role: CallRole
    reason: str

    def __post_init__(self) -> None:
        if not all(isinstance(text, str) for text in (self.request, self.role, self.reason)):
            raise ValueError("not as it was written; delete the line: nothing depends on it")


class UnusedRecord:
    """The unusable answers of one folder; appended to, and each told once.

    Attributes:
        path: The file; made when the first is added.
    """

    def __init__(self, folder: Path) -> None:
        """Read what earlier runs noted.

        Raises:
            ChecksumError: If a line is damaged.
        """
        self.path = folder / UNUSED_FILE
        repair_tail(self.path)
        self._known = set(read_records(self.path, UnusedAnswer))

    def add(self, answers: Sequence[UnusedAnswer]) -> None:
        """Append those that are not there; a round played again brings the same ones.

        Raises:
            StorageError: If the disk is full or read-only.
        """
        new = [each for each in dict.fromkeys(answers) if each not in self._known]
        if new:
            append_records(self.path, new)
            self._known.update(new)
