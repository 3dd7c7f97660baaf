"""The part of the card that shows what the concepts are and look like."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from isekai_gen.records import Concept
from isekai_gen.release.documents.card_markdown import plain, table
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import CONCEPTS_FILE, OVERLAP_FILE

MAX_GROUPS = 100
"""Rows of the table: a page of thousands would be read by nobody."""

_WIDTH = 300


def concepts_section(facts: ReleaseFacts) -> str:
    """A row for each group: its pictures, its two concepts, their numbers, what is nearest."""
    groups = _groups(facts)
    shown = dict(list(groups.items())[:MAX_GROUPS])
    parts = [
        "## Concepts",
        "Left of each strip the thing that does not exist, right of it the real thing it is most "
        "easily taken for. Pictures are evenly spaced over the kept ones, not picked by hand. In "
        "brackets: images kept of those generated.",
        table(
            ("", "fictional concept", "real counterpart", "nearest real class"),
            (tuple(_row(slug, group, facts)) for slug, group in shown.items()),
        ),
    ]
    if len(groups) > len(shown):
        parts.append(
            f"The first {len(shown)} of {len(groups):,} groups; all are in `{CONCEPTS_FILE}`."
        )
    else:
        parts.append(
            f"`{CONCEPTS_FILE}` has full descriptions, labels, and the nearest classes with "
            "their similarities."
        )
    return "\n\n".join(parts)


def _groups(facts: ReleaseFacts) -> dict[str, list[Concept]]:
    groups: dict[str, list[Concept]] = {}
    for concept in facts.content.concepts:
        groups.setdefault(concept.group, []).append(concept)
    return groups


def _row(slug: str, group: list[Concept], facts: ReleaseFacts) -> Iterator[str]:
    fictional = [concept for concept in group if concept.kind == "fictional"]
    real = [concept for concept in group if concept.kind == "real"]
    yield _picture(slug, facts)
    yield "<br>".join(_described(concept, facts) for concept in fictional)
    yield "<br>".join(_named(concept, facts) for concept in real)
    yield "<br>".join(_nearest(concept, facts) for concept in fictional)


def _described(concept: Concept, facts: ReleaseFacts) -> str:
    return f"**{_named(concept, facts)}**<br>{plain(concept.short)}"


def _named(concept: Concept, facts: ReleaseFacts) -> str:
    own = facts.counts["by_concept"][concept.slug]
    return f"{plain(concept.name)} ({own['kept']:,}/{own['generated']:,})"


def _picture(slug: str, facts: ReleaseFacts) -> str:
    path = f"preview/{slug}.jpg"
    if path not in facts.previews:
        return ""
    shown = escape(facts.previews[path].replace("|", "/"), quote=True)
    return f'<img src="{path}" alt="{shown}" width="{_WIDTH}">'


def _nearest(concept: Concept, facts: ReleaseFacts) -> str:
    overlap = facts.content.reports.get(OVERLAP_FILE, {})
    nearest = overlap.get("nearest_classes", {}).get(concept.slug, [])
    return plain(nearest[0]["class_name"]) if nearest else "not measured"
