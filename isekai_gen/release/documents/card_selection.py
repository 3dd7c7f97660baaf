"""The part of the card that tells how images were selected: numbers, limits, what they rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from isekai_gen.release.documents.card_markdown import bullets, code, counted, paragraphs, table
from isekai_gen.release.documents.card_numbers import (
    dropped_for,
    interval_in_words,
    limit_in_words,
    percent,
)
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import (
    AUDIT_FILE,
    CALIBRATION_FILE,
    DUPLICATES_FILE,
    REJECTED_FILE,
    SETTINGS_FILE,
)


def selection_section(facts: ReleaseFacts) -> str:
    """From planned to kept, step by step."""
    reports = facts.content.reports
    return "\n\n".join(
        [
            "## How images were selected",
            table(("", "images:", "why"), _funnel(facts.counts)),
            f"`{REJECTED_FILE}` has a line for every dropped image: which rule, what was measured, "
            "the limit, and the evidence (the kept image or the real class it is too much like). "
            f"`{SETTINGS_FILE}` has all limits that were set.",
            paragraphs(facts.answers.selection),
            "### Near-duplicates",
            *_duplicates(reports.get(DUPLICATES_FILE, {})),
            "### How well the rules work",
            bullets(
                [*_calibration(reports.get(CALIBRATION_FILE)), _audit(reports.get(AUDIT_FILE))]
            ),
        ]
    )


def _funnel(counts: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "planned", f"{counts['planned']:,}", ""
    if counts["pending"]:
        yield "not drawn yet", f"-{counts['pending']:,}", "planned for later"
    if counts["failed"]:
        yield "failed", f"-{counts['failed']:,}", "no picture came out"
    yield "generated", f"{counts['generated']:,}", ""
    for by, number in counts["dropped"].items():
        yield f"dropped by {code(by)}", f"-{number:,}", dropped_for(by)
    yield "**kept**", f"**{counts['kept']:,}**", "this release"


def _duplicates(report: Mapping[str, Any]) -> Iterator[str]:
    if not report.get("measured"):
        yield (
            "**Not looked for.** No search for near-duplicates was made: the release may hold "
            "images that are nearly the same."
        )
        return
    yield (
        "An image is dropped if its similarity to a kept image is above the limit of any of these "
        f"comparisons (pairs within: {report['within']})."
    )
    yield table(
        ("comparison", "limit:", "dropped:", "kept pairs above it:", "every pair found"),
        (_tier(name, tier) for name, tier in report["tiers"].items()),
    )
    if report["relative_quantile"] is not None:
        yield (
            "In the semantic comparison, images of one concept had also to be more alike than most "
            f"pairs of that concept are (`relative_quantile` {report['relative_quantile']:g})."
        )
    review = report["review_pairs"]
    if review:
        yield (
            f"{counted(review, 'pair')} of kept images just below a limit "
            f"{'was' if review == 1 else 'were'} left to people."
        )


def _tier(name: str, tier: Mapping[str, Any]) -> tuple[str, ...]:
    by = tier.get("encoder", "")
    what = f"{name}: equal bytes or pixels" if tier["max_similarity"] is None else name
    above = tier.get("pairs_above_limit")
    if tier["complete"]:
        found = "yes"
        if tier["floor"] is not None:
            found += f", down to {limit_in_words(tier['floor'])}"
    else:
        found = f"no: {interval_in_words(tier['recall'])} of them, as measured on a sample"
    return (
        f"{what} ({code(by)})" if by and by != name else what,
        limit_in_words(tier["max_similarity"]),
        f"{tier['dropped']:,}",
        "0" if above is None else f"{above['kept']:,}",
        found,
    )


def _calibration(report: Mapping[str, Any] | None) -> Iterator[str]:
    if report is None:
        yield (
            "The limits of near-duplicates were **not calibrated** on these images: their error "
            "rates here are not known."
        )
        return
    yield (
        f"The limits of near-duplicates were calibrated on {counted(report['images'], 'image')} "
        f"with copies planted in {report['sampled']:,} of them, for at most "
        f"{report['false_merges']:g} wrong drops expected in 1,000 images "
        f"({percent(report['confidence'])} confidence)."
    )
    for name, tier in report["tiers"].items():
        limits = ", ".join(f"{code(key)} = {value:g}" for key, value in tier["limits"].items())
        recalls = [each["recall"]["estimate"] for each in tier["transformations"].values()]
        found = (
            f"found {percent(min(recalls))} to {percent(max(recalls))} of planted copies, by kind "
            "of copy; "
            if recalls
            else ""
        )
        yield (
            f"{name}: {limits}; {found}at most {tier['wrong_drops_high']:.3g} in 1,000 images "
            "dropped wrongly"
        )


def _audit(report: Mapping[str, Any] | None) -> str:
    if report is None or not report["answered"]:
        return "**No person audited** a sample of the verdicts."
    return (
        f"People answered {report['answered']:,} of {report['questions']:,} questions on a random "
        f"sample of the verdicts: right drops {interval_in_words(report['all']['precision'])}, "
        f"found of what should be dropped {interval_in_words(report['all']['recall'])}; 95 % "
        f"intervals, details in `{AUDIT_FILE}`."
    )
