"""Check the LCL manifests: their format's rules, and that they are true of this release."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from isekai_gen.manifests.check import check_manifest
from isekai_gen.manifests.isekai_labels import LABELS_FILE
from isekai_gen.manifests.lcl_check import check_lcl_split, check_lcl_test, check_lcl_train
from isekai_gen.manifests.lcl_files import FILE_PATTERNS
from isekai_gen.release.layout import CLASSES_FOLDER, INDEX_FILE
from isekai_gen.release.verification.received_release import ReceivedRelease

_LABELS = f"lcl/{LABELS_FILE}"
_TRAIN_ROWS = f"{CLASSES_FOLDER}/{FILE_PATTERNS['train'][0]}"
_TEST_ROWS = f"{CLASSES_FOLDER}/{FILE_PATTERNS['test'][0]}"
_SIDES = {"positive_list": "positive_promt", "negative_list": "negative_promt"}


def check_manifests(release: ReceivedRelease) -> None:
    """Report manifests that break a rule, or name other images than this release has."""
    tree = release.tree
    counts: dict[str, int] = {}
    for name in isekai_manifests(release):
        rows = tree.read_rows(name)
        counts[name] = len(rows)
        faults = check_manifest(rows)
        for number, row in enumerate(rows, start=1):
            faults += [f"row {number}: {fault}" for fault in _check_images(release, row)]
        tree.report_some(name, "manifest", faults)
    if release.index and release.index.get("manifests") != counts:
        message = f"manifests must be {counts}, as the files have rows"
        tree.report(INDEX_FILE, "counts", message)
    _check_labels(release)
    _check_classes(release)


def isekai_manifests(release: ReceivedRelease) -> list[str]:
    """Paths of the manifests whose rows name images of this release."""
    return [name for name in release.files_below("lcl", ".json") if name.count("/") == 1]


def _check_images(release: ReceivedRelease, row: Mapping[str, Any]) -> list[str]:
    """Faults of one row that the format's own rules do not see."""
    faults: list[str] = []
    shown: list[tuple[str, Any]] = [(row.get("image_name"), row.get("label_name"))]  # type: ignore[list-item]
    for key, label in _SIDES.items():
        paths = row.get(key)
        shown += [(path, row.get(label)) for path in (paths if isinstance(paths, list) else [])]
    splits = set()
    for path, label in shown:
        image = release.images.get(path) if isinstance(path, str) else None
        if image is None:
            faults.append(f"names {path!a}, no image of this release")
            continue
        splits.add(image.split)
        own = _lcl_label(release, image.label)
        if own != label:
            faults.append(f"shows {path!a} as {label!a}, but its label is {own!a}")
    if len(splits) > 1:
        faults.append(f"shows images of several splits: {', '.join(sorted(splits))}")
    return faults


def _lcl_label(release: ReceivedRelease, number: int) -> object:
    within = 0 <= number < len(release.concepts)
    return release.concepts[number].get("lcl_label") if within else None


def _check_labels(release: ReceivedRelease) -> None:
    """Report labels that are not those of concepts.jsonl."""
    shown = {image.label for image in release.images.values()}
    expected = [
        {
            "label": concept.get("lcl_label"),
            "name": concept.get("name"),
            "slug": concept.get("slug"),
            "kind": concept.get("kind"),
        }
        for number, concept in enumerate(release.concepts)
        if number in shown
    ]
    if _LABELS in release.tree.files and release.tree.read_rows(_LABELS) != expected:
        release.tree.report(_LABELS, "manifest", "are not the labels of the concepts with images")


def _check_classes(release: ReceivedRelease) -> None:
    """Report rows to train and test on, which name images of another dataset."""
    tree = release.tree
    found: dict[str, list[dict[str, Any]]] = {}
    for pattern, check in ((_TRAIN_ROWS, check_lcl_train), (_TEST_ROWS, check_lcl_test)):
        for name in fnmatch.filter(sorted(tree.files), pattern):
            rows = found[pattern] = tree.read_rows(name)
            tree.report_some(name, "manifest", check(rows))
    shared = check_lcl_split(found.get(_TRAIN_ROWS, []), found.get(_TEST_ROWS, []))
    tree.report_some(CLASSES_FOLDER, "splits", shared)
