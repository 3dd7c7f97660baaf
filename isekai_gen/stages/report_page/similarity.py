"""How alike images are: pairs within a concept and across concepts, with the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isekai_gen.stages.report_numbers import ReportNumbers
from isekai_gen.stages.report_page.markup import (
    Html,
    Table,
    figure,
    folded,
    joined,
    not_measured,
    number,
    paragraph,
    percent,
    section,
    table,
)
from isekai_gen.stages.report_page.plots import ACROSS, DROPPED, INK, KEPT, plot
from isekai_gen.stages.report_pairs import Histogram, TierPairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class _Limits:
    """Of one tier; pairs above `duplicate` are duplicates, above `review` people look."""

    duplicate: float
    review: float

    @property
    def words(self) -> str:
        return (
            f"Above {self.duplicate:.4g} two images are duplicates; above {self.review:.4g}, up to "
            "that, a person looks."
        )


def similarity_section(numbers: ReportNumbers) -> Html:
    """A histogram of each tier that compares similarities."""
    if numbers.duplicates is None:
        return section("similarity", "Similarities", not_measured("isekai-gen dedupe"))
    tiers = numbers.duplicates.summary["tiers"]
    content = [
        _tier(tier, said, numbers.pairs[tier])
        for tier, said in tiers.items()
        if tier in numbers.pairs
    ]
    return section("similarity", "Similarities", *content, _tiers(tiers))


def _tier(tier: str, said: Mapping[str, Any], pairs: TierPairs) -> Html:
    limits = _Limits(said["max_similarity"], said["review_similarity"])
    within, across = pairs.listed.pairs
    heard = (
        "complete" if said["complete"] else f"recall measured {percent(said['recall']['estimate'])}"
    )
    pieces = [
        Html(f"<h3>Tier {tier}</h3>"),
        paragraph(
            f"{limits.words} Limit from: {said['limit_source']}. Pairs listed from "
            f"{said['floor']:.4g} up ({heard}): {within:,} within a concept, {across:,} across."
        ),
    ]
    if pairs.sample is not None:
        pieces.append(_sample(tier, pairs, limits))
    if within + across:
        pieces.append(_listed(tier, pairs.listed, limits))
    else:
        pieces.append(paragraph("No pair reaches the floor.", "facts"))
    return joined(pieces)


def _sample(tier: str, pairs: TierPairs, limits: _Limits) -> Html:
    histogram = pairs.sample
    if histogram is None:
        raise ValueError("there is no sample")
    within, across = histogram.pairs
    alt = (
        f"Histogram: similarities by tier {tier} of {within:,} pairs within and {across:,} across "
        f"concepts; duplicate limit {limits.duplicate:.4g}"
    )

    def draw(axes: Axes) -> None:
        for counts, name, color in _series(histogram):
            total = max(1, sum(counts))
            shares = [count / total for count in counts]
            axes.stairs(shares, histogram.edges, fill=True, color=color, alpha=0.28)
            axes.stairs(shares, histogram.edges, color=color, linewidth=1.3, label=name)
        _draw_limits(axes, limits)
        axes.set_xlim(histogram.edges[0], histogram.edges[-1])
        axes.set_ylabel("share of pairs")

    return joined(
        [
            figure(
                plot(f"sample-{tier}", alt, 2.5, draw),
                f"All pairs of {pairs.sampled:,} images, evenly spaced over concepts: shares.",
            ),
            folded("These numbers as a table", _table(f"Pairs sampled, tier {tier}", histogram)),
        ]
    )


def _listed(tier: str, histogram: Histogram, limits: _Limits) -> Html:
    within, across = histogram.pairs
    alt = (
        f"Histogram: {within:,} pairs within and {across:,} across concepts from similarity "
        f"{histogram.edges[0]:.4g} up, by tier {tier}; duplicate limit {limits.duplicate:.4g}"
    )

    def draw(axes: Axes) -> None:
        for counts, name, color in _series(histogram):
            axes.stairs(counts, histogram.edges, fill=True, color=color, alpha=0.28)
            axes.stairs(counts, histogram.edges, color=color, linewidth=1.3, label=name)
        _draw_limits(axes, limits)
        # A few pairs near the limit matter beside many at the floor.
        axes.set_yscale("symlog", linthresh=1.0)
        axes.set_ylim(0, None)
        axes.set_xlim(histogram.edges[0], histogram.edges[-1])
        axes.yaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
        axes.set_ylabel("pairs")

    return joined(
        [
            figure(
                plot(f"listed-{tier}", alt, 2.3, draw),
                "The pairs that dedupe lists, from its floor up.",
            ),
            folded("These numbers as a table", _table(f"Pairs listed, tier {tier}", histogram)),
        ]
    )


def _series(histogram: Histogram) -> list[tuple[tuple[int, ...], str, str]]:
    return [
        (histogram.across, "across concepts", ACROSS),
        (histogram.within, "within a concept", KEPT),
    ]


def _draw_limits(axes: Axes, limits: _Limits) -> None:
    axes.axvline(limits.duplicate, color=DROPPED, linewidth=1.4, label="duplicate limit")
    axes.axvline(limits.review, color=INK, linewidth=1.0, linestyle=":", label="review limit")
    axes.set_xlabel("similarity")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2)


def _table(caption: str, histogram: Histogram) -> Html:
    bins = zip(histogram.edges, histogram.edges[1:], strict=False)
    rows = [
        (f"{low:.4f} to {high:.4f}", number(within), number(across))
        for (low, high), within, across in zip(
            bins, histogram.within, histogram.across, strict=True
        )
        if within or across
    ]
    header = ("similarity", "within a concept", "across concepts")
    return table(Table(f"{caption}; bins without pairs are left out", header, rows, _NUMBERS))


_NUMBERS = frozenset({1, 2})


def _tiers(tiers: Mapping[str, Mapping[str, Any]]) -> Html:
    rows = [
        (
            tier,
            number(said["edges"]),
            "-" if said["max_similarity"] is None else f"{said['max_similarity']:.4g}",
            "-" if said["review_similarity"] is None else f"{said['review_similarity']:.4g}",
            number(said["dropped"]),
            number(said["review_pairs"]),
            said["method"],
        )
        for tier, said in tiers.items()
    ]
    header = ("tier", "pairs", "limit", "review limit", "dropped", "to review", "method")
    caption = "Comparisons; of the tier exact, images that equal another instead of pairs"
    return table(Table(caption, header, rows, frozenset({1, 2, 3, 4, 5})))
