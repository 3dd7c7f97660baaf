"""reports/audit/result.json and result.md: what the answers of an audit say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from isekai_gen.intervals import Interval, wilson_interval
from isekai_gen.stages.audit_estimate import AnsweredStratum, recall_of, weighted_share
from isekai_gen.stages.audit_records import NO, UNSURE, YES, Answer, AuditQuestion
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

SCHEMA = 1


@dataclass(frozen=True)
class StratumResult:
    """What people said of one stratum.

    Attributes:
        name: Of the stratum.
        filter: Whose verdicts.
        verdict: What they were.
        size: Verdicts in it.
        asked: Of these, questions in the sample.
        yes: Answers "duplicate" or "drop".
        no: Answers "not_duplicate" or "keep".
        unsure: Answers that say nothing; they count as not answered.
        should_drop: yes / (yes + no) with its 95 % Wilson interval; None without such answers.
    """

    name: str
    filter: str
    verdict: Literal["drop", "keep"]
    size: int
    asked: int
    yes: int
    no: int
    unsure: int
    should_drop: Interval | None

    @property
    def answered(self) -> AnsweredStratum:
        """As the estimates take it."""
        return AnsweredStratum(self.size, self.yes, self.no)


@dataclass(frozen=True)
class FilterResult:
    """How well a filter, or all of them together, did.

    Attributes:
        precision: Share of its drops that are right; None if it dropped nothing.
        recall: Share of what should be dropped that it dropped, as far as the kept images near the
            limits tell; None if none were asked about.
    """

    precision: Interval | None
    recall: Interval | None


@dataclass(frozen=True)
class AuditResult:
    """What the answers say.

    Attributes:
        questions: In the sample.
        answered: Of these, with an answer other than unsure.
        unsure: Of these.
        all: All filters together.
        filters: Filter to how well it did.
        strata: Every stratum, by name.
    """

    questions: int
    answered: int
    unsure: int
    all: FilterResult
    filters: Mapping[str, FilterResult]
    strata: Sequence[StratumResult]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"schema": SCHEMA, **asdict(self)}


def evaluate_answers(
    questions: Sequence[AuditQuestion], answers: Mapping[str, Answer]
) -> AuditResult:
    """Precision and recall by stratum, filter and in all.

    Args:
        questions: The whole sample.
        answers: Question id to answer; not all need one.
    """
    members: dict[str, list[AuditQuestion]] = {}
    for question in questions:
        members.setdefault(question.stratum, []).append(question)
    strata = [_stratum(members[name], answers) for name in sorted(members)]
    names = sorted({stratum.filter for stratum in strata})
    return AuditResult(
        questions=len(questions),
        answered=sum(stratum.yes + stratum.no for stratum in strata),
        unsure=sum(stratum.unsure for stratum in strata),
        all=_result(strata),
        filters={name: _result([each for each in strata if each.filter == name]) for name in names},
        strata=strata,
    )


def _stratum(members: Sequence[AuditQuestion], answers: Mapping[str, Answer]) -> StratumResult:
    said = Counter(answers[each.id] for each in members if each.id in answers)
    yes = sum(said[answer] for answer in YES.values())
    no = sum(said[answer] for answer in NO.values())
    return StratumResult(
        name=members[0].stratum,
        filter=members[0].filter,
        verdict=members[0].verdict,
        size=members[0].stratum_size,
        asked=len(members),
        yes=yes,
        no=no,
        unsure=said[UNSURE],
        should_drop=wilson_interval(yes, yes + no) if yes + no else None,
    )


def _result(strata: Sequence[StratumResult]) -> FilterResult:
    dropped = [each.answered for each in strata if each.verdict == "drop"]
    kept = [each.answered for each in strata if each.verdict == "keep"]
    return FilterResult(
        precision=weighted_share(dropped) if dropped else None,
        recall=recall_of(dropped, kept) if kept else None,
    )


def write_result(workspace: Workspace, result: AuditResult) -> tuple[Path, Path]:
    """Replace reports/audit/result.json and .md; returns their paths."""
    folder = workspace.reports / "audit"
    text = json.dumps(result.to_json(), indent=2, sort_keys=True, allow_nan=False)
    places = folder / "result.json", folder / "result.md"
    for path, content in zip(places, (text, "\n".join(result_lines(result))), strict=True):
        write_atomically(path, f"{content}\n".encode())
    return places


def result_lines(result: AuditResult) -> Iterator[str]:
    """The result as lines of Markdown."""
    yield "# Audit of the verdicts"
    yield ""
    yield (
        f"{result.answered} of {result.questions} questions answered, {result.unsure} unsure. "
        "Intervals: 95 %. Recall counts a pair of kept duplicates as one missed drop, and looks "
        "no farther below the limits than the strata do."
    )
    yield from ("", "| filter | precision of drops | recall |", "|---|---|---|")
    for name, each in {**result.filters, "all": result.all}.items():
        yield f"| {name} | {shown(each.precision)} | {shown(each.recall)} |"
    yield from ("", "| stratum | size | asked | yes | no | unsure | should be dropped |")
    yield "|---|--:|--:|--:|--:|--:|---|"
    for stratum in result.strata:
        yield (
            f"| {stratum.name} | {stratum.size} | {stratum.asked} | {stratum.yes} | {stratum.no} "
            f"| {stratum.unsure} | {shown(stratum.should_drop)} |"
        )


def shown(interval: Interval | None) -> str:
    """An interval for people: "0.950 (0.913-0.972)"; "-" for None."""
    if interval is None:
        return "-"
    return f"{interval.estimate:.3f} ({interval.low:.3f}-{interval.high:.3f})"
