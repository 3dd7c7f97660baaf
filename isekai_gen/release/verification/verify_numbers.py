"""Check that the numbers of a release add up, and are those of its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from isekai_gen.release.counts import check_counts
from isekai_gen.release.layout import (
    CONCEPTS_FILE,
    INDEX_FILE,
    METADATA_FILE,
    PROMPTS_FILE,
    REJECTED_FILE,
    STATS_FILE,
)
from isekai_gen.release.verification.received import ReceivedTree
from isekai_gen.release.verification.received_release import ReceivedRelease

_Tally = Counter[tuple[str, str]]
"""(slug of a concept, what became of an image) to a number of images."""


def check_numbers(release: ReceivedRelease) -> None:
    """Report counts in release.json that do not add up or differ from the files."""
    tree, counts = release.tree, release.index.get("counts")
    faults = check_counts(counts)
    tree.report_some(INDEX_FILE, "counts", faults)
    if STATS_FILE in tree.files and tree.read_json(STATS_FILE) != counts:
        tree.report(STATS_FILE, "counts", f"differs from the counts in {INDEX_FILE}")
    splits = Counter(image.split for image in release.images.values())
    if release.index.get("splits") != dict(splits):
        tree.report(INDEX_FILE, "counts", f"splits must be {dict(splits)}, as in {METADATA_FILE}")
    if faults or not isinstance(counts, Mapping):
        return
    by_concept = counts["by_concept"]
    kept = Counter((image.concept, "kept") for image in release.images.values())
    _compare(tree, METADATA_FILE, kept, _stated(by_concept, ("kept",)))
    dropped = _Tally(
        (str(row.get("concept")), str(row.get("by"))) for _, row in tree.iter_rows(REJECTED_FILE)
    )
    stated = {
        (slug, by): number
        for slug, part in by_concept.items()
        for by, number in part["dropped"].items()
    }
    _compare(tree, REJECTED_FILE, dropped, stated)
    drawn = _Tally(
        (str(row.get("concept")), "generated" if row.get("failure") == "" else "failed")
        for _, row in tree.iter_rows(PROMPTS_FILE)
    )
    _compare(tree, PROMPTS_FILE, drawn, _stated(by_concept, ("generated", "failed")))
    slugs = {ascii(row.get("slug")) for row in release.concepts}
    if slugs != {ascii(slug) for slug in by_concept}:
        tree.report(CONCEPTS_FILE, "counts", f"its concepts are not those counted in {INDEX_FILE}")


def _stated(by_concept: Mapping[str, Any], names: Iterable[str]) -> dict[tuple[str, str], int]:
    return {(slug, name): part[name] for slug, part in by_concept.items() for name in names}


def _compare(
    tree: ReceivedTree, name: str, found: _Tally, stated: Mapping[tuple[str, str], int]
) -> None:
    tree.report_some(
        name,
        "counts",
        [
            f"{found[key]} images of {key[0]!a} are {key[1]!a}, but {stated.get(key, 0)} in "
            f"{INDEX_FILE}"
            for key in sorted(found.keys() | stated.keys())
            if found[key] != stated.get(key, 0)
        ],
    )
