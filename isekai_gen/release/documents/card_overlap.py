"""The part of the card that tells what is known of overlap with the real world, and what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isekai_gen.release.documents.card_markdown import bullets, code, counted, listed, plain
from isekai_gen.release.documents.card_numbers import limit_in_words, share_in_words
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import OVERLAP_FILE

_NEVER_MEASURED = (
    "Whether the generator saw such a thing in its training data is not known: only the reference "
    "sets named here were compared with."
)


def overlap_section(facts: ReleaseFacts) -> str:
    """How new the fictional concepts are, as far as it was measured."""
    report = facts.content.reports.get(OVERLAP_FILE, {})
    parts = ["## Overlap with the real world"]
    if not report.get("measured"):
        parts.append(
            "**Not measured.** The images of fictional concepts were compared with no real class "
            "and no real image: that the concepts are new is the authors' claim alone."
        )
        return "\n\n".join(parts)
    parts += [
        _compared(report),
        bullets([*_classes(report), *_names(report["concepts"]), *_copies(report)]),
        f"{_NEVER_MEASURED} `{OVERLAP_FILE}` has the numbers of every concept.",
    ]
    return "\n\n".join(parts)


def _compared(report: Mapping[str, Any]) -> str:
    reference = report["reference"]
    real = [f"{plain(one['name'])} ({one['images']:,} images)" for one in report["compared"]]
    images = f"; and with the real images of {listed(real)}" if real else ""
    return (
        f"The images of fictional concepts were compared by encoder {code(report['encoder'])} with "
        f"the {counted(reference['classes'], 'class', 'classes')} of reference set "
        f"{code(reference['name'])}{images}. Of the images kept:"
    )


def _classes(report: Mapping[str, Any]) -> Iterator[str]:
    limits, kept = report["limits"]["class_overlap"], report["kept"]
    yield (
        f"**Like a real class**: {share_in_words(kept['like_class'])}. An image counts if a "
        "class's name fits it better than its own concept's text does, by more than "
        f"{limits['max_margin']:g}; and, where the set has real images of that class, if it is as "
        f"like them as they are among themselves, but for the lowest {limits['own_quantile']:.0%}."
    )
    yield (
        "**Fitting a class's name better**, whether or not the look confirms it: "
        f"{share_in_words(kept['over_margin'])}."
    )


def _names(concepts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for row in concepts:
        found = row["same_name"]  # {} of a concept without images
        if found:
            shown = f"{plain(row['name'])} (class {plain(found['reference'])})"
            by_reason.setdefault(found["reason"], []).append(shown)
    near = by_reason.pop("name_near_class", [])
    by_reason.pop("within_limit", None)
    same = [name for names in by_reason.values() for name in names]
    yield f"**Name of a real class**: {listed(same) if same else 'no fictional concept has one'}."
    if near:
        yield f"Names that read alike to the encoder, and are left to people: {listed(near)}."


def _copies(report: Mapping[str, Any]) -> Iterator[str]:
    if not report["copies_measured"]:
        yield (
            "**Copies of real images**: **not looked for**, since no set of real images was given. "
            "Nothing is known of copies of single photographs."
        )
        return
    limits, kept = report["limits"]["reference_copy"], report["kept"]
    yield (
        f"**Copies of real images**: {share_in_words(kept['copies'])} above the limit of "
        f"{limit_in_words(limits['max_similarity'])}; near it, from "
        f"{limit_in_words(limits['review_similarity'])} on: {share_in_words(kept['near_copies'])}."
    )
