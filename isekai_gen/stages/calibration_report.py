"""reports/calibration.md: what `calibrate` measured, for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from isekai_gen.stages.calibration_files import Calibration, TierCalibration
from isekai_gen.storage import write_atomically
from isekai_gen.workspace import Workspace

_BASIS = {
    "counted": "the upper bound keeps the budget",
    "extrapolated": "too few images to prove the budget: the near-misses' tail was carried on",
    "default": "too few near-misses to carry on: the default, or above every near-miss seen",
}


def write_calibration_report(workspace: Workspace, calibration: Calibration) -> Path:
    """Replace reports/calibration.md; returns its path."""
    path = workspace.reports / "calibration.md"
    write_atomically(path, "\n".join(calibration_lines(calibration)).encode() + b"\n")
    return path


def calibration_lines(calibration: Calibration) -> Iterator[str]:
    """The report as lines of Markdown."""
    yield "# Calibrated limits of near-duplicates"
    yield ""
    yield (
        f"Budget: at most {calibration.false_merges:g} wrong drop(s) expected in 1,000 images, "
        f"shared evenly by {len(calibration.tiers)} tier(s), held against upper bounds of "
        f"{calibration.confidence:.0%} confidence. {calibration.images} images; copies of "
        f"{calibration.sampled} of them; pairs within {calibration.within}; seed "
        f"{calibration.seed}."
    )
    yield ""
    yield (
        "A wrong drop is an image dropped on account of one that is no duplicate of it. Images "
        "of other seeds count as none, unless their pixels are equal or people marked the pair: "
        "mark the pairs below that are duplicates, and calibrate again for lower limits."
    )
    for name, tier in calibration.tiers.items():
        yield from _tier_lines(name, tier, calibration)


def _tier_lines(name: str, tier: TierCalibration, calibration: Calibration) -> Iterator[str]:
    limits = ", ".join(f"`{key}` = {value:g}" for key, value in tier.limits.items())
    share = calibration.false_merges / len(calibration.tiers)
    yield from ("", f"## {name}" + (f": {tier.label}" if tier.label != name else ""), "")
    yield f"{limits}. {_BASIS[tier.basis].capitalize()}."
    yield ""
    yield (
        f"{tier.anchors} images were compared with all others; at the limit, up to "
        f"{tier.wrong_drops_high:.3g} of 1,000 would be dropped wrongly (budget: {share:g}; "
        f"{tier.images_needed} images prove it if none of them is)."
    )
    yield from ("", "| copy | planted | found | recall (95 % interval) | found or for review |")
    yield "|---|--:|--:|--:|--:|"
    for kind, each in tier.transformations.items():
        yield (
            f"| {kind} | {each.copies} | {each.found} | {each.recall.estimate:.3f} "
            f"({each.recall.low:.3f}-{each.recall.high:.3f}) | {each.found_or_reviewed} |"
        )
    yield from ("", "| limit | recall of copies | wrong drops in 1,000 | upper bound |")
    yield "|--:|--:|--:|--:|"
    for point in tier.roc:
        yield (
            f"| {point.limit:.4f} | {point.recall:.3f} | {point.wrong_drops:.2f} | "
            f"{point.wrong_drops_high:.2f} |"
        )
    yield from ("", "The most similar images that nobody called duplicates:", "")
    for miss in tier.nearest_misses:
        yield f"* {miss.similarity:.4f}: {miss.images[0]}, {miss.images[1]}"
    if not tier.nearest_misses:
        yield "* none within reach"
