"""Check that a hub would take a release: how many files it has, and how many lie in a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from isekai_gen.release.layout import INDEX_FILE
from isekai_gen.release.verification.received_release import ReceivedRelease

MAX_ENTRIES = 9_999
"""Files and folders directly in one folder: the Hugging Face Hub refuses 10,000."""
MAX_FILES = 99_999
"""Files of a release: the Hub advises fewer than 100,000."""
REMEDY = "build with --no-loose-images, or --profile webdataset"


def check_limits(release: ReceivedRelease) -> None:
    """Report folders and releases that are too large, of the profile that is made for hubs."""
    if release.profile != "hub":
        return
    entries = Counter(name.rpartition("/")[0] for name in release.tree.files)
    folders = {folder for parent in entries for folder in _with_parents(parent)}
    entries.update(folder.rpartition("/")[0] for folder in folders)
    for folder, count in entries.items():
        if count > MAX_ENTRIES:
            message = f"{count} entries in one folder; hubs take at most {MAX_ENTRIES}: {REMEDY}"
            release.tree.report(f"{folder}/", "limits", message)
    if len(release.tree.files) > MAX_FILES:
        message = f"{len(release.tree.files)} files; hubs take at most {MAX_FILES}: {REMEDY}"
        release.tree.report(INDEX_FILE, "limits", message)


def _with_parents(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
