"""Read what people answered, and turn it into decisions where they want that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.records import Decision, last_decisions
from isekai_gen.records.verdicts import Choice
from isekai_gen.stages.audit_records import UNSURE, Answer, AuditAnswer, AuditQuestion
from isekai_gen.stages.decisions import decide

_FAULTS_SHOWN = 20


def read_answers(path: Path, questions: Sequence[AuditQuestion]) -> dict[str, Answer]:
    """Question id to answer.

    Args:
        path: JSON lines of `AuditAnswer`.
        questions: Those that may be answered.

    Raises:
        InputError: Every fault with file:line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text; export the answers again") from error
    known = {question.id: question for question in questions}
    answers: dict[str, Answer] = {}
    faults: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            answer = _parsed(line, known)
            if answers.setdefault(answer.id, answer.answer) != answer.answer:
                raise ValueError(f"question {answer.id} has another answer above; keep one")
        except ValueError as error:
            faults.append(f"{path}:{number}: {error}")
    if not lines:
        faults.append(f"{path}: no answers; answer some questions and export them again")
    if faults:
        more = len(faults) - _FAULTS_SHOWN
        shown = [*faults[:_FAULTS_SHOWN], *([f"... and {more} more"] if more > 0 else [])]
        raise InputError("\n".join(shown))
    return answers


def _parsed(line: str, known: Mapping[str, AuditQuestion]) -> AuditAnswer:
    """One line; ValueError says what is wrong with it."""
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("not a JSON object") from error
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    answer = AuditAnswer.from_json(row)
    question = known.get(answer.id) if isinstance(answer.id, str) else None
    if question is None:
        raise ValueError(
            f"{answer.id!r} is no question of this sample; if it was drawn anew since, draw it "
            "again with the seed and number of that time"
        )
    if answer.answer not in question.answers:
        raise ValueError(
            f"{answer.answer!r} is no answer to question {answer.id}; use one of "
            f"{', '.join(question.answers)}"
        )
    return answer


def new_decisions(
    questions: Sequence[AuditQuestion],
    answers: Mapping[str, Answer],
    before: Sequence[Decision],
    by: str,
) -> Iterator[Decision]:
    """The answers as decisions, but for those that are unsure or in force already."""
    in_force = last_decisions(before)
    for question in questions:
        choice = _choice(answers.get(question.id, UNSURE))
        if choice is None:
            continue
        images = tuple(sorted(question.images))
        if images not in in_force or in_force[images].choice != choice:
            yield decide(images, choice, by, reason="audit")


def _choice(answer: Answer) -> Choice | None:
    return None if answer == "unsure" else answer
