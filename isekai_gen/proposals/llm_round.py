"""One round with the model: it plans, writes, and replaces what its critic refuses."""

from __future__ import annotations

import json
from collections.abc import Sequence

from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.proposals.llm_answers import (
    ENTRIES,
    PLAN,
    AnswerForm,
    Element,
    PlannedSlot,
    Reading,
    WrittenEntry,
    read_answer,
)
from isekai_gen.proposals.llm_asking import LlmAsker
from isekai_gen.proposals.llm_calls import Call, CallRole
from isekai_gen.proposals.llm_entries import EntryRules, SlateNames, to_proposal
from isekai_gen.proposals.llm_prompts import (
    Brief,
    make_text,
    plan_text,
    repair_text,
    system_text,
)
from isekai_gen.proposals.llm_unused import UnusedAnswer
from isekai_gen.proposals.records import Proposal
from isekai_gen.records import TextPart, Turn
from isekai_gen.records.conversations import Role

_MAX_SHOWN_AGAIN = 8000


class Round:
    """Fills up to `brief.count` places of the slate.

    Attributes:
        proposals: What can be proposed, in order of the plan's parts; grows while it is played,
            so that what is there counts if the budget ends it.
        unused: What cannot, in the order it came.
    """

    def __init__(
        self, asker: LlmAsker, brief: Brief, imagenet: ImageNetNames, groups_per_call: int
    ) -> None:
        self._asker = asker
        self._brief = brief
        self._imagenet = imagenet
        self._groups_per_call = groups_per_call
        self._turns: tuple[Turn, ...] = (_turn("system", system_text()),)
        self._taken = SlateNames.of(brief.slate)
        self._refused = [refusal.proposal for refusal in brief.slate.refused]
        self._open: dict[int, PlannedSlot] = {}
        self._criticism: list[str] = []
        self._form_shown = False
        self.proposals: list[Proposal] = []
        self.unused: list[UnusedAnswer] = []

    def play(self) -> None:
        """Plan, write, and once replace what cannot be taken.

        Raises:
            BudgetSpentError: If no further request may be sent; what was made stands.
            ModelError: If the server cannot be used.
        """
        self._plan()
        for numbers in self._batches():
            self._write("maker", numbers)
        if self._open and self._criticism:
            # Places beyond one answer's worth are left to the next round, which plans anew.
            self._write("critic", list(self._open)[: self._groups_per_call])

    def _plan(self) -> None:
        text = plan_text(self._brief, PLAN.schema(for_server=False))
        call, plan = self._say("planner", text, PLAN)
        count = self._brief.count
        if len(plan) > count:
            self._note(call, f"the plan has {len(plan)} places, and {count} were asked for")
        self._open = dict(enumerate(plan[:count], start=1))
        self._criticism.clear()  # of the plan: the critic of entries has nothing to say to it

    def _batches(self) -> list[list[int]]:
        numbers, size = list(self._open), self._groups_per_call
        return [numbers[start : start + size] for start in range(0, len(numbers), size)]

    def _write(self, role: CallRole, numbers: Sequence[int]) -> None:
        """Have entries written for these places; an answer may have filled some of them early."""
        slots = {
            number: self._open[number].model_dump() for number in numbers if number in self._open
        }
        if not slots:
            return
        schema = None if self._form_shown else ENTRIES.schema(for_server=False)
        criticism = self._criticism if role == "critic" else ()
        call, entries = self._say(role, make_text(slots, schema, criticism), ENTRIES)
        # A request that came to nothing is forgotten, and the form with it.
        self._form_shown = self._form_shown or bool(entries)
        self._take(call, entries)

    def _take(self, call: Call, entries: Sequence[WrittenEntry]) -> None:
        """Propose the entries that can be taken; the others are told to the critic."""
        for entry in entries:
            rules = EntryRules(
                self._imagenet,
                self._brief.wishes.avoid,
                self._open,
                self._taken,
                self._refused,
            )
            reasons = list(rules.reasons(entry))
            if not reasons:
                origin = {"engine": self._asker.name, "request": call.request, "role": call.role}
                slot = self._open[entry.slot]
                proposal = to_proposal(entry, slot, self._imagenet, origin)
                if not rules.is_refused(proposal):
                    self._taken.add(proposal)
                    self.proposals.append(proposal)
                    del self._open[entry.slot]
                    continue
                reasons = ["this very entry was refused before; change what was found wrong"]
            for reason in reasons:
                self._note(call, f"{entry.fictional.name!r}: {reason}")

    def _say(
        self, role: CallRole, text: str, form: AnswerForm[Element]
    ) -> tuple[Call, tuple[Element, ...]]:
        """Ask, and have the answer repaired once; what could be read goes on being talked of."""
        turns = (*self._turns, _turn("user", text))
        call = self._asker.ask(role, turns, form)
        if call.failure:
            self._note(call, f"the model gave no answer: {call.failure}")
            return call, ()
        reading = read_answer(call.text, form)
        if reading.problems:
            call, reading = self._repair(call, reading, turns, form)
        for problem in reading.problems:
            self._note(call, problem)
        if reading.found:
            answer = json.dumps(
                {form.key: [each.model_dump() for each in reading.found]}, ensure_ascii=False
            )
            self._turns = (*turns, _turn("assistant", answer))
        return call, reading.found

    def _repair(
        self,
        call: Call,
        reading: Reading[Element],
        turns: tuple[Turn, ...],
        form: AnswerForm[Element],
    ) -> tuple[Call, Reading[Element]]:
        """The answer to one request for repair, unless less of it can be read than before."""
        shown = _turn("assistant", call.text[:_MAX_SHOWN_AGAIN])
        repair = _turn("user", repair_text(reading.problems))
        again = self._asker.ask("repair", (*turns, shown, repair), form)
        if again.failure:
            self._note(again, f"the model gave no answer: {again.failure}")
            return call, reading
        repaired = read_answer(again.text, form)
        if len(repaired.found) >= len(reading.found):
            return again, repaired
        return call, reading

    def _note(self, call: Call, reason: str) -> None:
        self.unused.append(UnusedAnswer(call.request, call.role, reason))
        self._criticism.append(reason)


def _turn(role: Role, text: str) -> Turn:
    return Turn(role, (TextPart(text),))
