"""Kept images of each concept, against its quota if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from isekai_gen.stages.report_numbers import ConceptRow, ReportNumbers
from isekai_gen.stages.report_page.markup import (
    Html,
    Table,
    figure,
    folded,
    number,
    paragraph,
    section,
    table,
    with_code,
)
from isekai_gen.stages.report_page.plots import DROPPED, INK, KEPT, count_images, name_rows, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BARS = 40


def kept_section(numbers: ReportNumbers) -> Html:
    """A bar for each concept, and the table of all."""
    return section(
        "kept",
        "Kept images of each concept",
        _quota_words(numbers),
        _bars(numbers),
        folded(f"All {len(numbers.concepts):,} concepts as a table", _table(numbers)),
    )


def _quota_words(numbers: ReportNumbers) -> Html:
    if numbers.quota is None:
        return paragraph(
            with_code(
                "No quota was set: `isekai-gen topup --kept N` draws until each concept keeps N."
            ),
            "facts",
        )
    reached = sum(row.counts.kept >= numbers.quota for row in numbers.concepts)
    return paragraph(
        f"Quota: {numbers.quota:,} kept images of each concept; {reached:,} of "
        f"{len(numbers.concepts):,} concepts have reached it."
    )


def _bars(numbers: ReportNumbers) -> Html:
    concepts = numbers.concepts
    shown = sorted(concepts, key=lambda row: row.counts.kept)[:_BARS]
    chosen = "" if len(shown) == len(concepts) else f" The {_BARS} concepts that keep the fewest."
    quota = numbers.quota
    line = "" if quota is None else f" Line: the quota of {quota:,}."
    alt = "Bars: kept and dropped images of " + ", ".join(
        f"{row.name} {row.counts.kept} and {sum(row.counts.dropped.values())}" for row in shown
    )
    image = plot("kept", alt, 0.9 + 0.21 * len(shown), lambda axes: _draw(axes, shown, quota))
    return figure(image, f"Kept and dropped images, fewest kept first.{chosen}{line}")


def _draw(axes: Axes, shown: Sequence[ConceptRow], quota: int | None) -> None:
    kept = [row.counts.kept for row in shown]
    dropped = [sum(row.counts.dropped.values()) for row in shown]
    rows = range(len(shown))
    axes.barh(rows, kept, color=KEPT, height=0.66, label="kept")
    axes.barh(rows, dropped, left=kept, color=DROPPED, height=0.66, label="dropped")
    if quota is not None:
        axes.axvline(quota, color=INK, linewidth=1.2, linestyle="--", label="quota")
    name_rows(axes, [row.name for row in shown])
    most = max(map(sum, zip(kept, dropped, strict=True)))
    count_images(axes, 1.03 * max(most, quota or 0))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)


def _table(numbers: ReportNumbers) -> Html:
    columns = ["planned", "generated", "kept", "dropped", "failed", "pending"]
    header = ["concept", "kind", *columns]
    header += ["released"] if numbers.released else []
    header += ["quota"] if numbers.quota is not None else []
    rows = []
    for row in numbers.concepts:
        counts = row.counts
        dropped = sum(counts.dropped.values())
        cells = [counts.planned, counts.generated, counts.kept, dropped]
        cells += [counts.failed, counts.pending]
        cells += [] if row.released is None else [row.released]
        left = [] if numbers.quota is None else [_against(counts.kept, numbers.quota)]
        rows.append([row.name, row.kind, *map(number, cells), *left])
    return table(Table("Images of each concept", header, rows, frozenset(range(2, len(header)))))


def _against(kept: int, quota: int) -> str:
    return "reached" if kept >= quota else f"{quota - kept:,} short"
