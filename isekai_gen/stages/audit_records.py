"""What an audit asks people, what they answer, and what that says, as records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from isekai_gen.records.base import Record

Ask = Literal["duplicate", "drop"]
Answer = Literal["duplicate", "not_duplicate", "drop", "keep", "unsure"]
UNSURE: Answer = "unsure"
YES: dict[Ask, Answer] = {"duplicate": "duplicate", "drop": "drop"}
NO: dict[Ask, Answer] = {"duplicate": "not_duplicate", "drop": "keep"}


@dataclass(frozen=True)
class AuditQuestion(Record):
    """One line of reports/audit/sample.jsonl: a verdict for a person to check.

    Attributes:
        id: 16 hex digits; the same verdict has the same in every sample.
        ask: "duplicate": whether two pictures are duplicates; "drop": whether one is to be dropped.
        question: For people.
        verdict: What the filter said: "drop" (of the first image) or "keep" (of all named).
        images: One image id, or two.
        paths: Their files within the workspace.
        filter: Which filter judged.
        tier: Which comparison, or "".
        reason: The filter's.
        measured: What was compared, or None.
        limit: What it was compared with, or None.
        reference: Class or image of a reference set that is the evidence, or "".
        stratum: Which part of all such verdicts this one was drawn from.
        stratum_size: Verdicts in that part.
    """

    id: str
    ask: Ask
    question: str
    verdict: Literal["drop", "keep"]
    images: tuple[str, ...]
    paths: tuple[str, ...]
    filter: str
    tier: str
    reason: str
    measured: float | None
    limit: float | None
    reference: str
    stratum: str
    stratum_size: int

    _tuples: ClassVar[frozenset[str]] = frozenset({"images", "paths"})

    def __post_init__(self) -> None:
        wanted = 2 if self.ask == "duplicate" else 1
        if self.ask not in YES or len(self.images) != wanted or len(self.paths) != wanted:
            raise ValueError(f"a question {self.ask!r} names {wanted} image(s)")

    @property
    def answers(self) -> tuple[Answer, Answer, Answer]:
        """The answers it may have: yes, no, unsure."""
        return YES[self.ask], NO[self.ask], UNSURE


@dataclass(frozen=True)
class AuditAnswer(Record):
    """One line of an answers file.

    Attributes:
        id: Of the question.
        answer: One of `AuditQuestion.answers`.
    """

    id: str
    answer: Answer
