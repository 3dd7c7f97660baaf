"""Labels of concepts in ISEKAI manifests: which are refused, and what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.names import (
    check_label,
    check_label_pair,
    normalize_label,
    suggest_label,
)
from isekai_gen.records import Concept

LABELS_FILE = "labels.jsonl"
Block = tuple[Concept, Concept]


def label_rows(groups: Iterable[Iterable[Concept]]) -> Iterator[dict[str, str]]:
    """A row for every concept: its label, and the display name that became it."""
    for concept in (each for group in groups for each in group):
        yield {
            "label": normalize_label(concept.name),
            "name": concept.name,
            "slug": concept.slug,
            "kind": concept.kind,
        }


def refuse_bad_labels(blocks: Sequence[Block]) -> None:
    """Refuse names that normalizing does not mend, and pairs that the metric confuses.

    Args:
        blocks: Every two concepts that are asked about together.

    Raises:
        ManifestError: Names every fault, and for every concept to rename a name that would do.
    """
    name_by_slug = {each.slug: each.name for block in blocks for each in block}
    labels = {slug: normalize_label(name) for slug, name in name_by_slug.items()}
    rivals: dict[str, set[str]] = {slug: set() for slug in labels}
    for a, b in blocks:
        rivals[a.slug].add(b.slug)
        rivals[b.slug].add(a.slug)
    broken = {slug: found for slug, label in labels.items() if (found := check_label(label))}
    faults = [f"{slug}: {fault}" for slug, found in broken.items() for fault in found]
    to_rename = set(broken)
    for a, b in blocks:
        if a.slug in broken or b.slug in broken:
            continue
        found = check_label_pair(labels[a.slug], labels[b.slug])
        faults += [f"{a.slug} and {b.slug}: {fault}" for fault in found]
        if found:
            # The shorter one is found within the other's answer.
            to_rename.add(min((a, b), key=lambda each: len(labels[each.slug])).slug)
    if faults:
        raise ManifestError(
            "the ISEKAI metric cannot use these names; change them in the catalog"
            f"{_suggestions(sorted(to_rename), name_by_slug, rivals)}: {'; '.join(faults)}"
        )


def _suggestions(
    to_rename: Sequence[str], name_by_slug: Mapping[str, str], rivals: Mapping[str, set[str]]
) -> str:
    kept = {slug: normalize_label(name) for slug, name in name_by_slug.items()}
    found = []
    for slug in to_rename:
        others = [kept[rival] for rival in rivals[slug] if not check_label(kept[rival])]
        label = suggest_label(name_by_slug[slug], others)
        if label:
            kept[slug] = label  # so that the next suggestion can be told from this one
            found.append(f"{name_by_slug[slug]!r} to {label!r}")
    return f", such as {', '.join(found)}" if found else ""
