"""Verify a release folder, whoever it comes from, without the network or any model.

What is checked: every file against both lists (see `index`), so that a changed byte, a missing
and an extra file are found; images against metadata.jsonl; manifests against the rules of their
format; witnesses; the numbers; the card's header. Not checked: who made the release.
"""

from __future__ import annotations

from pathlib import Path

from isekai_gen.errors import ReleaseError
from isekai_gen.release.index import INDEX_FILE
from isekai_gen.release.received import Finding, walk_release
from isekai_gen.release.verify_images import METADATA_FILE, check_images
from isekai_gen.release.verify_lists import check_lists
from isekai_gen.release.verify_tables import (
    check_calibration,
    check_card,
    check_manifests,
    check_numbers,
    check_references,
)

__all__ = ["Finding", "verify_release"]


def verify_release(folder: Path) -> list[Finding]:
    """Everything that is wrong with a release, sorted by file; empty if nothing is.

    The content is not trusted: links are not followed, no path in it is opened, and whatever
    cannot be read is a finding.

    Raises:
        ReleaseError: If there is no such folder.
    """
    if not folder.is_dir():
        raise ReleaseError(f"{folder} is no folder; name the folder of a release")
    tree = walk_release(folder)
    index = tree.read_json(INDEX_FILE)
    if INDEX_FILE in tree.files and not isinstance(index, dict):
        tree.report(INDEX_FILE, "json", "must be a JSON object")
    index = index if isinstance(index, dict) else {}
    measured = check_lists(tree, index)
    metadata = tree.read_rows(METADATA_FILE)
    check_images(tree, metadata, measured)
    names = (row.get("file_name") for row in metadata)
    check_manifests(tree, {name for name in names if isinstance(name, str)})
    check_references(tree, metadata)
    check_numbers(tree, index, metadata)
    check_card(tree)
    check_calibration(tree)
    # The same file may have been read for several checks.
    return sorted(set(tree.findings), key=lambda found: (found.file, found.rule, found.message))
