"""What people found when they checked verdicts, and what they decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isekai_gen.stages.report_numbers import ReportNumbers
from isekai_gen.stages.report_page.markup import (
    Html,
    Table,
    between,
    folded,
    not_measured,
    number,
    paragraph,
    section,
    table,
    with_code,
)
from isekai_gen.stages.report_page.plots import shortened

_LONGEST = 80


def audit_section(numbers: ReportNumbers) -> Html:
    """Precision and recall of the filters, by the answers to an audit."""
    title = "Audit of the verdicts"
    tree = numbers.audit
    if tree is None:
        return section("audit", title, not_measured("isekai-gen audit --answers FILE"))
    intro = (
        f"{tree['answered']:,} of {tree['questions']:,} questions answered, {tree['unsure']:,} "
        "unsure. Recall counts a pair of kept duplicates as one missed drop, and looks no farther "
        "below the limits than the strata do."
    )
    each = {**tree["filters"], "all": tree["all"]}
    rows = [
        (name, _interval(one["precision"]), _interval(one["recall"])) for name, one in each.items()
    ]
    header = ("filter", "precision of drops (95 % interval)", "recall (95 % interval)")
    strata = [
        (
            one["name"],
            *(number(one[key]) for key in ("size", "asked", "yes", "no", "unsure")),
            _interval(one["should_drop"]),
        )
        for one in tree["strata"]
    ]
    columns = ("stratum", "size", "asked", "yes", "no", "unsure", "should be dropped")
    return section(
        "audit",
        title,
        paragraph(intro),
        table(Table("Filters, by people's answers", header, rows, frozenset({1, 2}))),
        folded(
            "Strata as a table", table(Table("Strata", columns, strata, frozenset(range(1, 7))))
        ),
    )


def decisions_section(numbers: ReportNumbers) -> Html:
    """How many decisions there are, by choice, person and reason."""
    title = "People's decisions"
    found = numbers.decisions
    if not found.recorded:
        return section(
            "decisions",
            title,
            paragraph(
                with_code("Nobody decided anything. `isekai-gen review` opens the page for it."),
                "missing",
            ),
        )
    in_force = sum(found.in_force.values())
    intro = (
        f"{found.recorded:,} recorded, {in_force:,} in force; the others were replaced or taken "
        "back. A decision on an image outranks every filter; one on a pair counts when the images "
        "are judged again."
    )
    return section(
        "decisions",
        title,
        paragraph(intro),
        _counts("Decisions in force", "choice", found.in_force),
        _counts("Who decided", "person", found.by_person),
        _counts("Why", "reason", found.by_reason),
    )


def _counts(caption: str, name: str, counts: Mapping[str, int]) -> Html:
    rows = [
        (shortened(words, _LONGEST) or "(none given)", number(count))
        for words, count in counts.items()
    ]
    return table(Table(caption, (name, "decisions"), rows, frozenset({1})))


def _interval(interval: Mapping[str, Any] | None) -> str:
    if interval is None:
        return "-"
    return between(interval["estimate"], interval["low"], interval["high"])
