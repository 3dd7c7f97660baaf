"""CHANGELOG.md and reports/changes.json: what a version changes against the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.release.changes.diff import ReleaseDiff, compare_states
from isekai_gen.release.changes.diff_state import ReleaseState, read_draft, read_state
from isekai_gen.release.changes.diff_version import Bump, allowed_bump
from isekai_gen.release.changes.diff_words import markdown_of_diff
from isekai_gen.release.index import ListedFile
from isekai_gen.release.layout import CHANGELOG_FILE, DOCUMENT_FILES, REPORT_SCHEMA
from isekai_gen.release.verification.received import walk_release

_TITLE = "# Changelog"
_PREVIEWS = "preview/"


@dataclass(frozen=True)
class Changes:
    """What a new release changes.

    Attributes:
        images: Number of images of the new release.
        concepts: Number of concepts of the new release.
        diff: Against the earlier release; None if none was named.
    """

    images: int
    concepts: int
    diff: ReleaseDiff | None

    @property
    def required_bump(self) -> Bump:
        """What the version must be raised by, at least; NONE if no earlier release was named.

        PATCH if nothing else: the documents of every version differ.
        """
        return max(self.diff.required_bump, Bump.PATCH) if self.diff else Bump.NONE

    def refuse_low_version(self) -> None:
        """Raise ReleaseError if the version does not say how much changed."""
        diff, required = self.diff, self.required_bump
        if diff is None or allowed_bump(diff.old_version, diff.version) >= required:
            return
        reasons = ", ".join(each.words() for each in diff.demands() if each.bump == required)
        raise ReleaseError(
            f"version {diff.version} is too low after {diff.old_version}"
            + (f" ({reasons})" if reasons else "")
            + f"; build with --release-version {diff.least_version(required)} or higher, or set "
            "[release] version to it"
        )

    def markdown(self) -> str:
        """The entry of CHANGELOG.md, without heading; ends in a line feed."""
        if self.diff is None:
            return (
                "No earlier release was named to compare with. "
                f"Images: {self.images}. Concepts: {self.concepts}.\n"
            )
        return markdown_of_diff(self.diff, self.required_bump)

    def to_json(self) -> dict[str, Any] | None:
        """reports/changes.json, for holders of the earlier release; None if none was named.

        Its lists say which copies to delete or to fetch again; images of which only measures
        differ are not among them.
        """
        if self.diff is None:
            return None
        images = self.diff.images
        return {
            "schema": REPORT_SCHEMA,
            "previous": self.diff.old_version,
            "version": self.diff.version,
            "required_bump": self.required_bump.word,
            "removed": [image.to_json() for image in images.removed],
            "changed": [
                image.to_json()
                for image in images.changed
                if image.is_record_changed or image.is_file_changed
            ],
            "added": [image.to_json() for image in images.added],
        }


def describe_changes(
    previous: Path, folder: Path, name: str, version: str, listed: Iterable[ListedFile]
) -> Changes:
    """What a release that is being made changes; its tables and reports are written already.

    Args:
        previous: Folder of the release before.
        folder: Where the new release lies so far.
        name: Of the dataset.
        version: Of the new release.
        listed: Files of the new release so far; documents and previews are not compared.

    Raises:
        ReleaseError: If `previous` is no readable release, or one of another dataset.
    """
    old = read_state(previous)
    if old.name != name:
        raise ReleaseError(
            f"{previous} is a release of {old.name}, not of {name}; name an earlier release of "
            f"{name}, or build without it"
        )
    new = read_draft(folder, name, version, listed)
    diff = compare_states(_without_documents(old), _without_documents(new))
    return Changes(len(new.images), len(new.concepts), diff)


def changelog_text(previous: Path | None, version: str, date: str | None, changes: Changes) -> str:
    """CHANGELOG.md: the new entry, then those of the previous release as they are.

    Args:
        previous: Folder of the release before, or None.
        version: Of the new release.
        date: ISO date, or None to give none.
        changes: From `describe_changes`.

    Raises:
        ReleaseError: If the previous changelog cannot be read.
    """
    heading = f"## {version} ({date})" if date else f"## {version}"
    entries = [f"{heading}\n\n{changes.markdown()}"]
    if previous is not None and changes.diff is not None:
        entries.append(_earlier_entries(previous, changes.diff.old_version))
    return f"{_TITLE}\n\n" + "\n".join(entries)


def _earlier_entries(previous: Path, version: str) -> str:
    tree = walk_release(previous)
    content = tree.read_bytes(CHANGELOG_FILE)
    if content is None:
        return f"## {version}\n\nThis version had no changelog.\n"
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ReleaseError(
            f"{previous}: {CHANGELOG_FILE} is not UTF-8; isekai-gen release verify {previous}"
        ) from error
    _, found, entries = text.partition("\n## ")
    if not found:
        raise ReleaseError(
            f"{previous}: {CHANGELOG_FILE} has no entry (a line that begins with ##); name another "
            "--previous, or none"
        )
    return f"## {entries.rstrip()}\n"


def _without_documents(state: ReleaseState) -> ReleaseState:
    """Documents are written after the changelog, and of every version anew."""
    return replace(state, files=_compared_files(state.files))


def _compared_files(sha256_by_path: Mapping[str, str]) -> dict[str, str]:
    return {
        path: sha256
        for path, sha256 in sha256_by_path.items()
        if path not in DOCUMENT_FILES and not path.startswith(_PREVIEWS)
    }
