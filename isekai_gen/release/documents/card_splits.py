"""The part of the card that tells how images were divided, and what that keeps apart."""

from __future__ import annotations

from isekai_gen.release.documents.card_markdown import table
from isekai_gen.release.facts import ReleaseFacts
from isekai_gen.release.layout import DUPLICATES_FILE

_BY_GROUP = """Divided by group: a fictional concept and its real counterpart are in one split with
all their images, so that no concept of one split is seen in another."""
_BY_IMAGE = """Divided by image: every split has images of every concept, as far as there are
enough. Images that near-duplicate links join (`duplicate_group`) are in one split, so that
none has its double in another."""
_ONE = """All images are in one split. To divide them yourself, keep each `group` in one part (no
concept of one part is seen in another), or at least each `duplicate_group` (no image has its double
in another part)."""
_UNKNOWN = """**Near-duplicates were not searched for**: each image counts as a duplicate group of
its own, so images that are nearly the same may lie in two splits."""


def splits_section(facts: ReleaseFacts) -> str:
    """A row for each split, and the rule that divided the images."""
    images = facts.splits()
    concepts: dict[str, set[str]] = {split: set() for split in images}
    for image in facts.images:
        concepts[image.split].add(image.concept.slug)
    parts = [
        "## Splits",
        table(
            ("split", "images:", "concepts:"),
            [(split, f"{n:,}", f"{len(concepts[split]):,}") for split, n in images.items()],
        ),
    ]
    if len(images) == 1:
        parts.append(_ONE)
    else:
        parts.append(_BY_GROUP if facts.content.split_by == "group" else _BY_IMAGE)
        if not facts.content.reports.get(DUPLICATES_FILE, {}).get("measured"):
            parts.append(_UNKNOWN)
    return "\n\n".join(parts)
