"""The queue of audit questions, and the answers that `isekai-gen audit --answers` reads.

It is blind: what the filter said is not told.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from isekai_gen.shards import append_records, read_records, write_records
from isekai_gen.stages.audit_records import Answer, AuditAnswer, AuditQuestion
from isekai_gen.stages.audit_sample import sample_file
from isekai_gen.stages.review_decisions import DecisionLog
from isekai_gen.stages.review_images import ImageLists
from isekai_gen.stages.review_queues import Queue
from isekai_gen.storage import storage_errors
from isekai_gen.workspace import Workspace

_MOST = 500
_HIDDEN = ("verdict", "by", "reason", "measured", "limit", "decision")
_Stamp = tuple[int, int]


class AuditSheet:
    """The questions that were drawn last, and their answers.

    Attributes:
        questions: By id, in the order of the sample.
        answers: Question id to answer.
        stamps: Size and time of both files, as they were read.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._sample = sample_file(workspace)
        self._file = self._sample.with_name("answers.jsonl")
        self._earlier = self._sample.with_name("answers-earlier.jsonl")
        self.stamps: tuple[_Stamp, _Stamp] = ((0, 0), (0, 0))
        self.questions: dict[str, AuditQuestion] = {}
        self.answers: dict[str, Answer] = {}

    def follow(self) -> None:
        """Read sample and answers again if they have changed.

        Raises:
            ChecksumError: If one of them is damaged.
        """
        stamps = (_stamp(self._sample), _stamp(self._file))
        if stamps == self.stamps:
            return
        self.questions = {q.id: q for q in read_records(self._sample, AuditQuestion)}
        given = {answer.id: answer.answer for answer in read_records(self._file, AuditAnswer)}
        self.answers = {key: said for key, said in given.items() if key in self.questions}
        self.stamps = stamps

    def check(self, question: str, choice: str) -> None:
        """Refuse what is no answer to a question of the sample; "undecided" takes one back.

        Raises:
            ValueError: If it is none.
        """
        if question not in self.questions:
            raise ValueError(f"{question!r} is no question of this audit")
        fitting = (*self.questions[question].answers, "undecided")
        if choice not in fitting:
            raise ValueError(f"{choice!r} is no answer here; use one of {', '.join(fitting)}")

    def answer(self, question: str, choice: str) -> str:
        """Write an answer down; returns the one before, or "undecided".

        `audit` takes one answer to each question, so that the file is replaced when one changes.
        Answers to another sample, which it refuses, go to answers-earlier.jsonl.

        Raises:
            ValueError: If it is no answer to the question.
            StorageError: If the disk is full or read-only.
        """
        self.check(question, choice)
        with self._writing():
            rows = read_records(self._file, AuditAnswer)
            foreign = [row for row in rows if row.id not in self.questions]
            answers = {row.id: row.answer for row in rows if row.id in self.questions}
            before = answers.pop(question, "undecided")
            said = next((each for each in get_args(Answer) if each == choice), None)
            if said is not None:
                answers[question] = said
            if foreign:
                append_records(self._earlier, foreign)
            write_records(self._file, [AuditAnswer(*entry) for entry in answers.items()])
        self.follow()
        return before

    @contextmanager
    def _writing(self) -> Iterator[None]:
        path = self._file.with_name("answers.lock")
        with storage_errors(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_size, found.st_mtime_ns)


class AuditQueue(Queue):
    """Questions in the order of the sample, which does not tell what filters said."""

    def __init__(self, db: sqlite3.Connection, log: DecisionLog, sheet: AuditSheet) -> None:
        self._sheet = sheet
        self._images = ImageLists(db, log)

    def open_keys(self, after: str) -> Iterator[str]:
        keys = list(self._sheet.questions)
        start = keys.index(after) + 1 if after in self._sheet.questions else 0
        return (key for key in keys[start:] if key not in self._sheet.answers)

    def decided_keys(self) -> Sequence[str]:
        return [key for key in self._sheet.questions if key in self._sheet.answers]

    def left(self) -> int:
        return len(self._sheet.questions) - len(self._sheet.answers)

    def decided(self) -> int:
        return len(self._sheet.answers)

    def most(self) -> int:
        return _MOST

    def entries(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        return [self._entry(key) for key in keys]

    def _entry(self, key: str) -> dict[str, Any]:
        question = self._sheet.questions[key]
        briefs = self._images.briefs(question.images).values()
        return {
            "key": key,
            "ask": question.ask,
            "question": question.question,
            "images": [
                {name: value for name, value in brief.items() if name not in _HIDDEN}
                for brief in briefs
            ],
            "answer": self._sheet.answers.get(key, ""),
        }
