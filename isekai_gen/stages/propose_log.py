"""The rounds of `concepts propose` on disk, and what stands after them.

rounds.jsonl is appended to, one line a round, after the round's proposals were judged. A run that
was killed reads it back and asks the engine for the next round only; a line that was being written
is cut off and its round comes again, with the same result. Everything else follows from the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import canonical_json
from isekai_gen.proposals.records import Finding, Proposal, ProposedConcept, Refusal, Slate
from isekai_gen.records import SCHEMA
from isekai_gen.shards import append_records, read_records, repair_tail

Kind = Literal["start", "proposed", "looked", "written"]
_REMEDY = "; restore the file, or delete its folder"


@dataclass(frozen=True)
class Judged:
    """A proposal and what was found.

    Attributes:
        place: Which group of the catalog it is, or would have become; from 0.
        proposal: As it was made.
        findings: All of them; it is refused if one of them refuses.
    """

    place: int
    proposal: Proposal
    findings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        """Whether nothing refuses it."""
        return not any(finding.refuses for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {"place": self.place, **judged_json(self.proposal, self.findings)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """What `to_json` wrote; ValueError, TypeError or KeyError for anything else."""
        place, findings = row["place"], tuple(Finding(**finding) for finding in row["findings"])
        if not isinstance(place, int):
            raise ValueError(f"place {place!r} is no number{_REMEDY}")
        said = (text for each in findings for text in (each.code, each.message, each.suggestion))
        _check_texts(*said)
        return cls(place, _proposal(row), findings)


@dataclass(frozen=True)
class Event:
    """One line of rounds.jsonl.

    Attributes:
        kind: "start" for the groups of a catalog that stood already, "proposed" for a round of
            the engine, "looked" for groups that were drawn (all of them, with their findings),
            "written" for a catalog about to be written.
        judged: The proposals, in the order they were judged.
        digest: SHA-256 of the catalog that is written; "" for other kinds.
    """

    kind: Kind
    judged: tuple[Judged, ...] = ()
    digest: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict with every field and `schema`."""
        judged = [each.to_json() for each in self.judged]
        return {"schema": SCHEMA, "kind": self.kind, "judged": judged, "digest": self.digest}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The event that `to_json` wrote; ValueError, TypeError or KeyError for anything else."""
        if row.get("schema") != SCHEMA:
            raise ValueError(f"schema {row.get('schema')!r} is not {SCHEMA}")
        if row["kind"] not in get_args(Kind):
            raise ValueError(f"kind {row['kind']!r} is none of {get_args(Kind)}")
        return cls(row["kind"], tuple(map(Judged.from_json, row["judged"])), row["digest"])


class RoundLog:
    """rounds.jsonl and what stands after its last whole line.

    Attributes:
        lines: Whole lines of the log.
        wanted: Groups that the catalog shall have.
        rounds: How often the engine was asked.
        looks: How often groups were looked at.
        proposed: Proposals that were judged, without those that stood at the start.
        refused: Refusals with the place that each would have had.
        looked_at: Places whose group was drawn and stayed.
        written: Digests of the catalogs that were written.
    """

    def __init__(self, path: Path, wanted: int) -> None:
        """Read the log, and cut off what a killed run left of its last line.

        Raises:
            ChecksumError: If a whole line is damaged.
        """
        self._path = path
        self.wanted = wanted
        self.rounds = self.looks = self.proposed = 0
        self.refused: list[tuple[int, Refusal]] = []
        self.looked_at: set[int] = set()
        self.written: list[str] = []
        # In the order they were taken, which is the slate's; places are the catalog's order.
        self._taken: dict[int, Judged] = {}
        self._round_at: dict[int, int] = {}
        repair_tail(path)
        self.lines = 0
        for event in read_records(path, Event):
            self._apply(event)

    def append(self, event: Event) -> None:
        """Make an event durable, then let it count.

        Raises:
            StorageError: If the disk is full.
        """
        append_records(self._path, [event])
        # As a later run reads it, so that both go on from the very same.
        self._apply(Event.from_json(json.loads(canonical_json(event.to_json()))))

    @property
    def began(self) -> bool:
        """Whether anything was judged yet."""
        return self.lines > 0

    @property
    def slate(self) -> Slate:
        """What an engine is told."""
        return Slate(
            wanted=self.wanted,
            accepted=tuple(each.proposal for each in self._taken.values()),
            refused=tuple(refusal for _, refusal in self.refused),
        )

    @property
    def standing(self) -> list[Judged]:
        """Groups that were taken, in the catalog's order."""
        return [self._taken[place] for place in sorted(self._taken)]

    def free_places(self) -> Iterator[int]:
        """Places without a group, lowest first."""
        return (place for place in range(self.wanted) if place not in self._taken)

    def round_of(self, place: int) -> int:
        """In which round a place found its group; 0 if it stood at the start."""
        return self._round_at[place]

    def refusals_at(self, place: int) -> list[Refusal]:
        """What was refused before a place found its group."""
        return [refusal for where, refusal in self.refused if where == place]

    def _apply(self, event: Event) -> None:
        self.lines += 1
        if event.kind == "written":
            self.written.append(event.digest)
        self.rounds += event.kind == "proposed"
        self.looks += event.kind == "looked"
        for judged in event.judged:
            self.proposed += event.kind == "proposed"
            if event.kind == "looked":
                self._taken_back(judged)
            elif judged.accepted:
                self._taken[judged.place] = judged
                self._round_at[judged.place] = self.rounds
            if not judged.accepted:
                refusal = Refusal(judged.proposal, judged.findings)
                self.refused.append((judged.place, refusal))

    def _taken_back(self, judged: Judged) -> None:
        """A look adds its advice to a group that stays, and takes away one that does not."""
        before = self._standing_at(judged.place)
        if judged.accepted:
            findings = (*before.findings, *judged.findings)
            self._taken[judged.place] = Judged(judged.place, judged.proposal, findings)
            self.looked_at.add(judged.place)
        else:
            del self._taken[judged.place]
            self.looked_at.discard(judged.place)

    def _standing_at(self, place: int) -> Judged:
        if place not in self._taken:
            raise ChecksumError(
                f"{self._path}:{self.lines}: place {place} was looked at and has no group{_REMEDY}"
            )
        return self._taken[place]


def judged_json(proposal: Proposal, findings: Sequence[Finding]) -> dict[str, Any]:
    """A proposal with its findings, JSON-ready."""
    return {
        "fictional": asdict(proposal.fictional),
        "real": asdict(proposal.real),
        # As pairs: keys of JSON lines are sorted, and the catalog has slots in their own order.
        "attributes": [[slot, list(values)] for slot, values in proposal.attributes.items()],
        "origin": dict(proposal.origin),
        "findings": [asdict(finding) for finding in findings],
    }


def _proposal(row: Mapping[str, Any]) -> Proposal:
    attributes = {slot: tuple(values) for slot, values in row["attributes"]}
    _check_texts(*attributes, *(value for values in attributes.values() for value in values))
    return Proposal(
        fictional=_concept(row["fictional"]),
        real=_concept(row["real"]),
        attributes=attributes,
        origin=dict(row["origin"]),
    )


def _concept(row: Mapping[str, Any]) -> ProposedConcept:
    lists = {key: tuple(row[key]) for key in ("parents", "wnids")}
    _check_texts(row["name"], row["short"], row["description"], *lists["parents"], *lists["wnids"])
    return ProposedConcept(**{**row, **lists})


def _check_texts(*texts: object) -> None:
    wrong = [text for text in texts if not isinstance(text, str)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no text{_REMEDY}")
