"""Check that nothing of one split is in another: no near-duplicates, and no group if so said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from isekai_gen.release.content import SplitBy
from isekai_gen.release.layout import INDEX_FILE, METADATA_FILE
from isekai_gen.release.verification.received_release import ReceivedRelease


def check_splits(release: ReceivedRelease) -> None:
    """Report what is divided between splits and must not be."""
    images = release.images.values()
    near = ((image.duplicate_group, image.split) for image in images)
    faults = [f"near-duplicates of {key!a} are in {splits}" for key, splits in _divided(near)]
    split_by = release.index.get("split_by")
    if release.index and split_by not in get_args(SplitBy):
        message = f"split_by must be one of {', '.join(get_args(SplitBy))}"
        release.tree.report(INDEX_FILE, "index", message)
    if split_by == "group":
        groups = ((_group(release.concepts, image.label), image.split) for image in images)
        faults += [f"group {key!a} is in {splits}" for key, splits in _divided(groups)]
    release.tree.report_some(METADATA_FILE, "splits", faults)


def _group(concepts: list[dict[str, Any]], label: int) -> str:
    return str(concepts[label].get("group")) if 0 <= label < len(concepts) else ""


def _divided(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What occurs with several splits, and these splits."""
    splits: dict[str, set[str]] = {}
    for key, split in pairs:
        splits.setdefault(key, set()).add(split)
    return [
        (key, " and ".join(sorted(found)))
        for key, found in sorted(splits.items())
        if len(found) > 1
    ]
