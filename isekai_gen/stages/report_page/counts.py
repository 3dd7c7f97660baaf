"""How many images there are at each step, and where the others went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isekai_gen.stages.report_numbers import ReportNumbers
from isekai_gen.stages.report_page.markup import (
    Html,
    Table,
    figure,
    not_measured,
    number,
    paragraph,
    percent,
    section,
    table,
)
from isekai_gen.stages.report_page.plots import INK, KEPT, count_images, name_rows, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def counts_section(numbers: ReportNumbers) -> Html:
    """The funnel, the sums that it rests on, and what dropped images."""
    total = numbers.status.total
    dropped = sum(total.dropped.values())
    sums = (
        f"planned {total.planned:,} = generated {total.generated:,} + failed {total.failed:,} + "
        f"pending {total.pending:,}; generated {total.generated:,} = kept {total.kept:,} + "
        f"dropped {dropped:,}"
    )
    return section(
        "counts",
        "From planned to released",
        _funnel(numbers),
        paragraph(sums, "sums"),
        _steps(numbers),
        *([] if numbers.released else [not_measured("isekai-gen release build --out DIR")]),
        _dropped(numbers),
    )


def _funnel(numbers: ReportNumbers) -> Html:
    steps, images = [step for step, _ in numbers.funnel], [count for _, count in numbers.funnel]

    def draw(axes: Axes) -> None:
        axes.barh(range(len(images)), images, color=KEPT, height=0.62)
        for row, count in enumerate(images):
            axes.annotate(
                f"{count:,}", (count, row), (4, 0), textcoords="offset points", va="center"
            ).set_color(INK)
        name_rows(axes, steps)
        count_images(axes, 1.1 * max(images))

    words = ", ".join(f"{count:,} {step}" for step, count in numbers.funnel)
    return figure(
        plot("funnel", f"Bars: {words}", 0.75 + 0.36 * len(images), draw), f"Images: {words}."
    )


def _steps(numbers: ReportNumbers) -> Html:
    before, rows = 0, []
    for place, (step, count) in enumerate(numbers.funnel):
        share = percent(count / before) if place and before else "-"
        rows.append((step, number(count), share))
        before = count
    return table(Table("Steps", ("step", "images", "of the step before"), rows, frozenset({1, 2})))


def _dropped(numbers: ReportNumbers) -> Html:
    total = numbers.status.total
    if not total.dropped:
        return paragraph("No filter and no person dropped an image.", "facts")
    rows = [
        (by, number(count), percent(count / total.generated))
        for by, count in sorted(total.dropped.items(), key=lambda entry: (-entry[1], entry[0]))
    ]
    caption = "Dropped images; one that several would drop counts under the first"
    return table(Table(caption, ("by", "images", "of generated"), rows, frozenset({1, 2})))
