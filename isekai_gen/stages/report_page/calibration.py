"""What `calibrate` measured: recall of planted copies against wrong drops, with the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isekai_gen.filters.duplicates import radius_limit
from isekai_gen.stages.calibration_files import Calibration, RocPoint, TierCalibration
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
from isekai_gen.stages.report_page.plots import DROPPED, KEPT, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TITLE = "Calibration of the duplicate limits"
_BASIS = {
    "counted": "the upper bound at this limit keeps the budget",
    "extrapolated": "too few images to prove the budget: the tail of near-misses was carried on",
    "default": "too few near-misses to carry on: the default, or above every near-miss seen",
}


def calibration_section(numbers: ReportNumbers) -> Html:
    """Recall against wrong drops of each calibrated tier, and recall by kind of copy."""
    found = numbers.calibration
    if found is None:
        return section("calibration", _TITLE, not_measured("isekai-gen calibrate"))
    intro = (
        f"Budget: at most {found.false_merges:g} wrong drop(s) expected in 1,000 images over "
        f"{len(found.tiers)} tiers, against upper bounds of {found.confidence:.0%} confidence. "
        f"Copies were planted of {found.sampled:,} of {found.images:,} images; pairs within "
        f"{found.within}."
    )
    tiers = [_tier(name, tier, found) for name, tier in found.tiers.items()]
    return section("calibration", _TITLE, paragraph(intro), *tiers)


def limit_of(name: str, tier: TierCalibration) -> float:
    """The calibrated limit of a tier as a similarity."""
    if name == "perceptual":
        return radius_limit(int(tier.limits["radius"]))
    return tier.limits["max_similarity" if name == "semantic" else "extra_max_similarity"]


def _tier(name: str, tier: TierCalibration, found: Calibration) -> Html:
    limit = limit_of(name, tier)
    facts = (
        f"Limit {limit:.4g}: {_BASIS[tier.basis]}. {tier.anchors:,} images were compared with all "
        f"others; at the limit up to {tier.wrong_drops_high:.3g} of 1,000 would be dropped wrongly."
    )
    return joined(
        [
            Html(f"<h3>Tier {name}</h3>"),
            paragraph(facts),
            *([_roc(name, tier, limit, found.confidence)] if tier.roc else []),
            folded("Recall by kind of copy", _copies(name, tier)),
        ]
    )


def _roc(name: str, tier: TierCalibration, limit: float, confidence: float) -> Html:
    points = tier.roc
    chosen = min(points, key=lambda point: abs(point.limit - limit))
    recall = [point.recall for point in points]

    def draw(axes: Axes) -> None:
        high = [point.wrong_drops_high for point in points]
        counted = [point.wrong_drops for point in points]
        axes.fill_betweenx(recall, counted, high, color=KEPT, alpha=0.22, linewidth=0)
        axes.plot(counted, recall, color=KEPT, linewidth=1.6, label="counted, to its upper bound")
        axes.plot(
            chosen.wrong_drops,
            chosen.recall,
            marker="o",
            linestyle="none",
            color=DROPPED,
            label=f"limit {limit:.4g}",
            clip_on=False,
            zorder=3,
        )
        axes.set_xscale("symlog", linthresh=1.0)
        axes.set_xlim(-0.1, None)
        axes.set_ylim(-0.02, 1.02)
        axes.xaxis.set_major_formatter(lambda drops, _: f"{drops:g}")
        axes.set_xlabel("wrong drops in 1,000 images")
        axes.set_ylabel("recall of planted copies")
        axes.legend(loc="lower right")

    alt = (
        f"Curve: recall of copies against wrong drops of tier {name}; at the limit {limit:.4g} "
        f"recall is {chosen.recall:.3f}"
    )
    caption = (
        f"Recall of planted copies against wrong drops; the band reaches to the upper bound of "
        f"{confidence:.0%} confidence."
    )
    image = figure(plot(f"roc-{name}", alt, 2.8, draw), caption)
    return joined([image, folded("These numbers as a table", _points(name, points))])


def _points(name: str, points: tuple[RocPoint, ...]) -> Html:
    rows = [
        (
            f"{point.limit:.4f}",
            number(point.recall, 3),
            number(point.wrong_drops, 2),
            number(point.wrong_drops_high, 2),
        )
        for point in points
    ]
    header = ("limit", "recall of copies", "wrong drops in 1,000", "upper bound")
    shown = Table(f"Limits of tier {name} and what they would do", header, rows, _ALL_BUT_FIRST)
    return table(shown)


_ALL_BUT_FIRST = frozenset({1, 2, 3})


def _copies(name: str, tier: TierCalibration) -> Html:
    rows = [
        (
            kind,
            number(each.copies),
            number(each.found),
            number(each.found_or_reviewed),
            between(each.recall.estimate, each.recall.low, each.recall.high),
        )
        for kind, each in tier.transformations.items()
    ]
    header = ("copy", "planted", "found", "found or for review", "recall (95 % interval)")
    shown = Table(f"Planted copies, tier {name}", header, rows, frozenset({1, 2, 3, 4}))
    return table(shown)
