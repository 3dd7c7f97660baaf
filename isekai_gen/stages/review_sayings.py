"""What the person at the page says, written down at once; and how it is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from isekai_gen.records import Decision
from isekai_gen.records.verdicts import Choice
from isekai_gen.review.source import Saying
from isekai_gen.stages.decisions import append_decisions, decide
from isekai_gen.stages.review_audit import AuditSheet
from isekai_gen.stages.review_decisions import DecisionLog
from isekai_gen.stages.review_standing import Standing
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class _Said:
    """One saying.

    Attributes:
        saying: As it was said.
        decision: What was appended; None for an answer to an audit, or if it was in force already.
        before: The decision in force before, or None.
        answer: The answer before, or "undecided".
    """

    saying: Saying
    decision: Decision | None
    before: Decision | None
    answer: str = "undecided"


class Sayings:
    """Writes decisions and answers of one person, and remembers them for `undo`."""

    def __init__(self, workspace: Workspace, by: str, log: DecisionLog, sheet: AuditSheet) -> None:
        self._workspace, self._by = workspace, by
        self._log, self._sheet = log, sheet
        self._said: list[_Said] = []

    def say(self, sayings: Sequence[Saying], standing: Standing) -> None:
        """Record all of them, or none if one is wrong; what is said already is not said again.

        Raises:
            ValueError: If a saying names an unknown image, or its choice does not fit.
            StorageError: If the disk is full or read-only.
        """
        decisions = [None if one.question else self._decision(one, standing) for one in sayings]
        for one in sayings:
            if one.question:
                self._check_answer(one)
        told: list[_Said] = []
        in_force = dict[tuple[str, ...], Decision | None]()
        for one, decision in zip(sayings, decisions, strict=True):
            if decision is not None:
                images = decision.images
                before = in_force.get(images, self._log.in_force.get(images))
                is_new = not _says_the_same(decision, before)
                told.append(_Said(one, decision if is_new else None, before))
                in_force[images] = None if decision.choice == "undecided" else decision
        made = [said.decision for said in told if said.decision is not None]
        if made:
            append_decisions(self._workspace, made)
        self._said += told
        for one in sayings:
            if one.question:
                answer = self._sheet.answer(one.question, one.choice)
                self._said.append(_Said(one, None, None, answer))

    def _decision(self, saying: Saying, standing: Standing) -> Decision:
        choice = next((each for each in get_args(Choice) if each == saying.choice), None)
        if choice is None:
            fitting = ", ".join(get_args(Choice))
            raise ValueError(f"{saying.choice!r} is no choice; use one of {fitting}")
        for image_id in saying.images:
            if standing.row_of(image_id) is None:
                raise ValueError(f"{image_id!r} is no image of this workspace")
        return decide(saying.images, choice, self._by, reason=saying.reason, note=saying.note)

    def _check_answer(self, saying: Saying) -> None:
        self._sheet.check(saying.question, saying.choice)
        asked = self._sheet.questions[saying.question].images
        if saying.images and set(saying.images) != set(asked):
            raise ValueError(f"question {saying.question} is about other images")

    def undo(self) -> dict[str, Any] | None:
        """Take back the last saying, unless somebody has said something else since.

        Returns:
            The saying; None if there was none, or it does not stand any more.

        Raises:
            StorageError: If the disk is full or read-only; it can be taken back once there is room.
        """
        if not self._said:
            return None
        stands = self._take_back(self._said[-1])
        saying = self._said.pop().saying  # only now: on a full disk one may try again
        if not stands:
            return None
        return {
            "images": list(saying.images),
            "choice": saying.choice,
            "reason": saying.reason,
            "note": saying.note,
            "question": saying.question,
        }

    def _take_back(self, said: _Said) -> bool:
        """Restore what was in force before; whether the saying stood until now."""
        saying, decision = said.saying, said.decision
        if saying.question:
            if self._sheet.answers.get(saying.question, "undecided") != saying.choice:
                return False
            self._sheet.answer(saying.question, said.answer)
        elif decision is not None:
            if not _says_the_same(decision, self._log.in_force.get(decision.images)):
                return False
            append_decisions(self._workspace, [_taken_back(said, self._by)])
        return True


def _says_the_same(decision: Decision, in_force: Decision | None) -> bool:
    """Whether what is in force is what a decision says, whenever it was said."""
    if in_force is None:
        return decision.choice == "undecided"
    same = ("choice", "by", "reason", "note")
    return all(getattr(decision, name) == getattr(in_force, name) for name in same)


def _taken_back(said: _Said, by: str) -> Decision:
    """The decision that restores what was in force before."""
    before = said.before
    if before is None:
        return decide(said.saying.images, "undecided", by)
    return decide(before.images, before.choice, before.by, reason=before.reason, note=before.note)
