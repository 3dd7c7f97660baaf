"""How new the fictional concepts are, by what `overlap` measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from isekai_gen.stages.report_numbers import ReportNumbers
from isekai_gen.stages.report_page.markup import (
    Html,
    Table,
    between,
    figure,
    folded,
    joined,
    not_measured,
    number,
    paragraph,
    section,
    table,
)
from isekai_gen.stages.report_page.plots import INK, KEPT, name_rows, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEVEL = "0.25"
_NEAREST = 3
_DOTS = 40


def newness_section(numbers: ReportNumbers) -> Html:
    """The share of images like a real class, and the classes nearest to each concept."""
    title = "Newness beside real classes"
    tree = numbers.fictionality
    if tree is None:
        return section("newness", title, not_measured("isekai-gen overlap"))
    reference = tree["reference"]
    names = ", ".join(f"{one['name']} ({one['images']:,} images)" for one in tree["compared"])
    intro = (
        f"Seen by encoder {tree['encoder']}, beside the {reference['classes']:,} classes of "
        f"reference set {reference['name']}. An image is like a class if it is at least as similar "
        "to its nearest class's prototype as the lowest 25 % of that class's own images."
    )
    copies = f"Copies were searched in: {names}." if names else "No real images were compared."
    rows: Sequence[Mapping[str, Any]] = tree["concepts"]
    measured = [row for row in rows if _share(row) is not None]
    return section(
        "newness",
        title,
        paragraph(intro),
        paragraph(copies),
        *([_plot(measured)] if measured else []),
        folded(f"All {len(rows):,} fictional concepts as a table", _table(rows, tree)),
    )


def _share(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    share: Mapping[str, Any] | None = row["over_quantile"].get(_LEVEL)
    return share if share is not None and share["of"] else None


def _plot(rows: Sequence[Mapping[str, Any]]) -> Html:
    ranked = sorted(rows, key=lambda row: -row["over_quantile"][_LEVEL]["share"])
    shown = ranked[:_DOTS]
    shares = [row["over_quantile"][_LEVEL] for row in shown]
    chosen = "" if len(shown) == len(ranked) else f" The {_DOTS} concepts with the largest shares."

    def draw(axes: Axes) -> None:
        for place, share in enumerate(shares):
            axes.plot([share["low"], share["high"]], [place, place], color=KEPT, linewidth=3)
            axes.plot(share["share"], place, marker="o", markersize=4, color=INK)
        name_rows(axes, [row["name"] for row in shown])
        axes.set_xlim(-0.01, 1.01)
        axes.set_xlabel("share of images like a real class")

    alt = "Share of images like a real class: " + ", ".join(
        f"{row['name']} {share['share']:.1%}" for row, share in zip(shown, shares, strict=True)
    )
    caption = f"Share of images like a real class, with 95 % Wilson intervals.{chosen}"
    return figure(plot("newness", alt, 0.7 + 0.19 * len(shown), draw), caption)


def _table(rows: Sequence[Mapping[str, Any]], tree: Mapping[str, Any]) -> Html:
    header = (
        "concept",
        "images judged",
        "like a class",
        "nearest classes",
        "copies",
        "near copies",
        "margin",
    )
    cells = [
        (
            row["name"],
            number(row["judged"]),
            _interval(_share(row)),
            _nearest(row["nearest"][:_NEAREST], tree["percentiles_known"]),
            number(row["copies"]),
            number(row["near_copies"]),
            "-" if row["mean_margin"] is None else f"{row['mean_margin']:+.3f}",
        )
        for row in rows
    ]
    how = (
        "Nearest classes: mean similarity, and in brackets where that lies among the class's own "
        "images. Margin: mean similarity to the own text minus that to the best other concept's."
    )
    shown = Table("Fictional concepts", header, cells, frozenset({1, 2, 4, 5, 6}))
    return joined([paragraph(how, "facts"), table(shown)])


def _interval(share: Mapping[str, Any] | None) -> str:
    return "-" if share is None else between(share["share"], share["low"], share["high"])


def _nearest(near: Sequence[Mapping[str, Any]], known: Sequence[float] | None) -> str:
    words = (f"{one['name']} {one['similarity']:.2f}{_place(one, known)}" for one in near)
    return ", ".join(words) or "-"


def _place(near: Mapping[str, Any], known: Sequence[float] | None) -> str:
    """Where a similarity lies among a class's own, in words that say no more than is known."""
    value = near["percentile"]
    if value is None or known is None:
        return ""
    sign = "≤ " if value <= known[0] else "≥ " if value >= known[1] else ""
    return f" ({sign}{value:.0%})"
