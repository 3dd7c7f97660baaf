"""The rounds of `topup`: how many images each adds, and what they meant to add, on disk.

A round is written down before it changes the plan. A run that was killed in the middle of a round
brings that round to its end first; what comes next follows from records and verdicts alone. So the
rounds, and with them every file, are those of a run that nobody disturbed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from isekai_gen.hashing import file_sha256
from isekai_gen.records import SCHEMA
from isekai_gen.shards import read_records, write_records
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class Aim:
    """What `topup` is after, for each concept alike.

    Attributes:
        kept: Images to keep.
        first: Images planned in the first round; kept <= first <= budget.
        budget: The most images to draw.
    """

    kept: int
    first: int
    budget: int

    def images_to_add(self, kept: int, planned: int) -> int:
        """How many more images a concept gets in the next round.

        As many as its yield so far lets expect to be enough, rounded up. At least those that are
        missing; at most as many as it has, because an early yield is a poor estimate; and never
        more than the budget leaves. As every answer but 0 is at least 1, the rounds come to an
        end even if new images make older ones be dropped.

        Args:
            kept: Images kept now.
            planned: Images planned, all of them drawn; >= first.
        """
        missing = max(self.kept - kept, 0)
        expected = -(-missing * planned // kept) if kept else planned
        return max(min(max(missing, min(expected, planned)), self.budget - planned), 0)


@dataclass(frozen=True)
class Round:
    """One line of reports/topup.jsonl.

    Attributes:
        number: 1 for the first round.
        kept: Images that each concept was to keep.
        plan: SHA-256 of the first part of the plan that the round adds to, "" if it begins one.
        counts: Slug to images planned at the round's end, for the concepts that it adds to.
    """

    number: int
    kept: int
    plan: str
    counts: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict with every field and `schema`."""
        return {"schema": SCHEMA, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The round that `to_json` wrote; ValueError or TypeError for anything else."""
        if row.get("schema") != SCHEMA:
            raise ValueError(f"schema {row.get('schema')!r} is not {SCHEMA}")
        found = cls(**{key: value for key, value in row.items() if key != "schema"})
        numbers = (found.number, found.kept, *dict(found.counts).values())
        if not all(isinstance(number, int) and number > 0 for number in numbers):
            raise ValueError("a round has numbers above 0")
        return found


def read_quota(workspace: Workspace) -> int | None:
    """How many images `topup` was asked to keep of each concept of this plan.

    Raises:
        ChecksumError: If its log is damaged.
    """
    rounds = RoundLog(workspace, new_plan=False).rounds
    return rounds[-1].kept if rounds else None


class RoundLog:
    """reports/topup.jsonl, as far as it speaks of the plan that is there.

    Attributes:
        rounds: The rounds so far; the last one may not have come to its end.
    """

    def __init__(self, workspace: Workspace, *, new_plan: bool) -> None:
        """Read the log.

        Args:
            workspace: Where it lies.
            new_plan: Whether the first round replaces the plan, and the log with it.

        Raises:
            ChecksumError: If the log is damaged.
        """
        self._path = workspace.reports / "topup.jsonl"
        self._first_part = workspace.part("plan", 0)
        self.rounds: list[Round] = []
        if not new_plan and self._first_part.exists():
            plans = ("", file_sha256(self._first_part))
            rounds = read_records(self._path, Round)
            if all(entry.plan in plans for entry in rounds):
                self.rounds = rounds
        self._new_plan = new_plan

    def intended(self, slug: str, aim: Aim) -> int:
        """Images of a concept that the last round meant to end with; 0 if it had another aim."""
        if not self.rounds or self.rounds[-1].kept != aim.kept:
            return 0
        return min(self.rounds[-1].counts.get(slug, 0), aim.budget)

    def open_round(self, aim: Aim, counts: Mapping[str, int]) -> Round:
        """Write a round down before it begins; the last one, if it is the same, goes on.

        Args:
            aim: What the rounds are after.
            counts: Slug to images planned at the round's end, for the concepts that it adds to.
        """
        last = self.rounds[-1] if self.rounds else None
        if last is not None and last.kept == aim.kept and counts.items() <= last.counts.items():
            return last
        begins_a_plan = (self._new_plan and last is None) or not self._first_part.exists()
        opened = Round(
            number=last.number + 1 if last is not None else 1,
            kept=aim.kept,
            plan="" if begins_a_plan else file_sha256(self._first_part),
            counts=dict(counts),
        )
        self.rounds.append(opened)
        write_records(self._path, self.rounds)
        return opened

    def rounds_of(self, slug: str, planned: int) -> int:
        """How many rounds added images to a concept that has `planned` of them now."""
        return sum(0 < entry.counts.get(slug, 0) <= planned for entry in self.rounds)
