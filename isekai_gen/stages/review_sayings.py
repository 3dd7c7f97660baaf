"""What the person at the page says, written down at once; and how it is taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from isekai_gen.records import Decision
from isekai_gen.records.verdicts import Choice
from isekai_gen.review.source import Saying, Sender
from isekai_gen.stages.decisions import append_decisions, decide
from isekai_gen.stages.review_audit import AuditSheet
from isekai_gen.stages.review_decisions import DecisionLog
from isekai_gen.stages.review_standing import Standing
from isekai_gen.workspace import Workspace

_STOOD = "it stood before"
_SINCE = "something else was said since"


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


@dataclass(frozen=True)
class _Request:
    """What one request said, in its order.

    Attributes:
        name: What the tab calls it.
        said: What is to be taken back of it.
    """

    name: str
    said: list[_Said] = field(default_factory=list)


class Sayings:
    """Writes decisions and answers of one person, and remembers them for `undo`."""

    def __init__(self, workspace: Workspace, by: str, log: DecisionLog, sheet: AuditSheet) -> None:
        self._workspace, self._by = workspace, by
        self._log, self._sheet = log, sheet
        self._requests: defaultdict[str, list[_Request]] = defaultdict(list)
        self._named: set[Sender] = set()

    def say(self, sayings: Sequence[Saying], sender: Sender, standing: Standing) -> dict[str, int]:
        """Record all of them, or none if one is wrong; what is said already is not said again.

        A page that waited too long sends a request again. Of the two, the one that comes later says
        nothing new, and nothing at all once the tab has said or taken back something since.

        Returns:
            How many "decisions" and "answers" were not said already.

        Raises:
            ValueError: If a saying names an unknown image, or its choice does not fit.
            StorageError: If the disk is full or read-only.
        """
        if self._is_over(sender):
            return {"decisions": 0, "answers": 0}
        decided = [(one, self._decision(one, standing)) for one in sayings if not one.question]
        for one in sayings:
            if one.question:
                self._check_answer(one)
        told: list[_Said] = []
        in_force = dict[tuple[str, ...], Decision | None]()
        for one, decision in decided:
            images = decision.images
            before = in_force.get(images, self._log.in_force.get(images))
            is_new = not _says_the_same(decision, before)
            told.append(_Said(one, decision if is_new else None, before))
            in_force[images] = None if decision.choice == "undecided" else decision
        made = [said.decision for said in told if said.decision is not None]
        if made:
            append_decisions(self._workspace, made)
        request = self._request_of(sender)
        again = {said.saying for said in request.said}
        request.said.extend(
            said for said in told if said.decision is not None or said.saying not in again
        )
        return {"decisions": len(made), "answers": self._answer(sayings, request)}

    def _answer(self, sayings: Sequence[Saying], request: _Request) -> int:
        """Write the answers down; how many are other ones than before."""
        again = {said.saying for said in request.said}
        changed = 0
        for one in sayings:
            if not one.question:
                continue
            before = self._sheet.answer(one.question, one.choice)
            changed += before != one.choice
            if before != one.choice or one not in again:
                request.said.append(_Said(one, None, None, before))
        return changed

    def _is_over(self, sender: Sender) -> bool:
        """Whether the tab has gone on since it sent this request."""
        return sender in self._named and not self._is_newest(sender)

    def _is_newest(self, sender: Sender) -> bool:
        requests = self._requests[sender.tab]
        return bool(sender.request and requests and requests[-1].name == sender.request)

    def _request_of(self, sender: Sender) -> _Request:
        """The tab's newest request if it has that name, else a new one."""
        requests = self._requests[sender.tab]
        if not self._is_newest(sender):
            requests.append(_Request(sender.request))
            if sender.request:
                self._named.add(sender)
        return requests[-1]

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

    def undo(self, sender: Sender) -> dict[str, Any]:
        """Take back what a tab said in its newest request, except where it does not stand now.

        Returns:
            `undone`: the sayings that are taken back, the last one first. `left`: the others, each
            with the reason `why`.

        Raises:
            ValueError: If the named request is not the newest of its tab.
            StorageError: If the disk is full or read-only; it can be taken back once there is room.
        """
        requests = self._requests[sender.tab]
        if sender.request and not self._is_newest(sender):
            raise ValueError(
                "it is not the newest of this tab, or the server was started since; decide anew"
            )
        if not requests:
            return {"undone": [], "left": []}
        undone, left = self._take_back(requests[-1].said)
        requests.pop()  # only now: on a full disk one may try again
        return {
            "undone": [_told(said.saying) for said in undone],
            "left": [{**_told(said.saying), "why": why} for said, why in left],
        }

    def _take_back(self, all_said: list[_Said]) -> tuple[list[_Said], list[tuple[_Said, str]]]:
        """Restore what was in force before: decisions at once, then answers one by one."""
        undone, left, restored = [], [], []
        in_force = dict[tuple[str, ...], Decision | None]()
        for said in reversed(all_said):
            if said.saying.question:
                continue
            if said.decision is None:
                left.append((said, _STOOD))
                continue
            images = said.decision.images
            if _says_the_same(said.decision, in_force.get(images, self._log.in_force.get(images))):
                undone.append(said)
                restored.append(_taken_back(said, self._by))
                in_force[images] = said.before
            else:
                left.append((said, _SINCE))
        if restored:
            append_decisions(self._workspace, restored)
        all_said[:] = [said for said in all_said if said.saying.question]
        while all_said:
            why = self._take_answer_back(all_said[-1])
            said = all_said.pop()  # only now, likewise
            if why:
                left.append((said, why))
            else:
                undone.append(said)
        return undone, left

    def _take_answer_back(self, said: _Said) -> str:
        """Restore the answer before; why not, if it is not."""
        saying = said.saying
        if saying.choice == said.answer:
            return _STOOD
        if self._sheet.answers.get(saying.question, "undecided") != saying.choice:
            return _SINCE
        self._sheet.answer(saying.question, said.answer)
        return ""


def _told(saying: Saying) -> dict[str, Any]:
    return {**asdict(saying), "images": list(saying.images)}


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
