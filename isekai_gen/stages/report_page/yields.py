"""Which words of the prompts are kept and which lose images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from isekai_gen.stages.report_numbers import ReportNumbers
from isekai_gen.stages.report_page.markup import (
    Html,
    Table,
    between,
    figure,
    folded,
    number,
    paragraph,
    section,
    table,
)
from isekai_gen.stages.report_page.plots import INK, KEPT, name_rows, plot, shortened
from isekai_gen.stages.yields import Yield

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DOTS = 30
_LONGEST = 80


def yields_section(numbers: ReportNumbers) -> Html:
    """Yield by template and by value of a slot, the surely low first."""
    report = numbers.yields
    judged = (
        f"Of {report.total.generated:,} generated images {report.total.kept:,} are kept: "
        f"{between(report.total.share, *report.total.interval)}."
        if report.judged
        else "No filter has judged these images yet: all count as kept."
    )
    words = [*report.by_template, *report.by_slot_value]
    return section(
        "yields",
        "Yield of templates and words",
        paragraph(judged),
        *([_plot(sorted(words, key=_lowest_first)[:_DOTS], len(words))] if words else []),
        folded(
            f"All {len(report.by_template):,} templates as a table",
            _table("Templates", report.by_template),
        ),
        folded(
            f"All {len(report.by_slot_value):,} values of slots as a table",
            _table("Values of slots", report.by_slot_value),
        ),
    )


def _lowest_first(entry: Yield) -> tuple[float, int, str]:
    return entry.interval[1], -entry.generated, entry.label


def _plot(shown: Sequence[Yield], there: int) -> Html:
    def draw(axes: Axes) -> None:
        for place, entry in enumerate(shown):
            axes.plot(entry.interval, [place, place], color=KEPT, linewidth=3)
            axes.plot(entry.share, place, marker="o", markersize=4, color=INK)
        name_rows(axes, [entry.label for entry in shown])
        axes.set_xlim(-0.01, 1.01)
        axes.set_xlabel("share of generated images that is kept")

    chosen = "" if len(shown) == there else f" The {len(shown)} lowest of {there:,}."
    alt = "Share of generated images that is kept: " + ", ".join(
        f"{shortened(entry.label)} {entry.share:.1%}" for entry in shown
    )
    caption = f"Share that is kept, with 95 % Wilson intervals, the surely lowest first.{chosen}"
    return figure(plot("yields", alt, 0.7 + 0.19 * len(shown), draw), caption)


def _table(caption: str, entries: Sequence[Yield]) -> Html:
    rows = [
        (
            shortened(entry.label, _LONGEST),
            number(entry.generated),
            number(entry.kept),
            between(entry.share, *entry.interval),
            ", ".join(f"{count:,} by {by}" for by, count in entry.dropped.items()) or "-",
        )
        for entry in entries
    ]
    header = ("words", "generated", "kept", "yield (95 % interval)", "dropped")
    return table(Table(caption, header, rows, frozenset({1, 2, 3})))
