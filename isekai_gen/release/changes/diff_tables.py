"""What two versions of a release differ in beside their images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from isekai_gen.records import Concept
from isekai_gen.release.changes.diff_state import ReleaseState
from isekai_gen.release.layout import CHANGES_FILE, METADATA_FILE, SETTINGS_FILE

# What a concept is. Its other columns count images and tell measures.
_CATALOG_COLUMNS = tuple(field.name for field in fields(Concept))
# Compared value by value, or only about the difference itself.
_COMPARED_ELSEWHERE = frozenset({METADATA_FILE, SETTINGS_FILE, CHANGES_FILE})
# It differs in every version, and is no choice of how images were made or selected.
_VERSION_SETTING = "release.version"
_LOOSE_IMAGES = "images/"
_NEIGHBOR_TABLES = "neighbors/"


@dataclass(frozen=True)
class ConceptChanges:
    """Differences in the catalog.

    Attributes:
        before: Concepts of the earlier release.
        after: Concepts of the later release.
        added: Slugs only in the later one.
        removed: Slugs only in the earlier one.
        changed: Slug to the columns that differ.
    """

    before: int
    after: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """For `release diff --json`."""
        return {
            "before": self.before,
            "after": self.after,
            "added": list(self.added),
            "removed": list(self.removed),
            "changed": {slug: list(columns) for slug, columns in self.changed.items()},
        }


@dataclass(frozen=True)
class ManifestChange:
    """A manifest that differs.

    Attributes:
        path: In the release.
        before: Rows of the earlier release.
        after: Rows of the later release.
        added: Rows that only the later one has.
        removed: Rows that only the earlier one has.
    """

    path: str
    before: int
    after: int
    added: int
    removed: int

    def to_json(self) -> dict[str, Any]:
        """For `release diff --json`."""
        return asdict(self)


@dataclass(frozen=True)
class FileChanges:
    """Files that differ, other than metadata and settings; "images/" stands for all loose images.

    Attributes:
        added: Paths only in the later release.
        removed: Paths only in the earlier one.
        changed: Paths with other bytes.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def number(self) -> int:
        """Of all of them."""
        return len(self.added) + len(self.removed) + len(self.changed)

    @property
    def tables_removed(self) -> tuple[str, ...]:
        """Neighbor tables that are gone; as Parquet they are only another packaging."""
        return tuple(path for path in self.removed if _is_table(path))

    @property
    def tables_renewed(self) -> tuple[str, ...]:
        """Neighbor tables that are new or have other content."""
        return tuple(path for path in (*self.added, *self.changed) if _is_table(path))

    def to_json(self) -> dict[str, Any]:
        """For `release diff --json`."""
        return {name: list(paths) for name, paths in asdict(self).items()}


@dataclass(frozen=True)
class SettingChange:
    """A setting that differs.

    Attributes:
        name: Such as "dedupe.max_similarity".
        old: Value in the earlier release; None if it had none.
        new: Value in the later release; None if it has none.
    """

    name: str
    old: Any
    new: Any

    def to_json(self) -> dict[str, Any]:
        """For `release diff --json`."""
        return asdict(self)


def compare_concepts(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> ConceptChanges:
    """Differences between catalogs, by slug; only in what says what a concept is."""
    differing = {
        slug: tuple(name for name in _CATALOG_COLUMNS if old[slug].get(name) != row.get(name))
        for slug, row in sorted(new.items())
        if slug in old
    }
    return ConceptChanges(
        before=len(old),
        after=len(new),
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed={slug: columns for slug, columns in differing.items() if columns},
    )


def compare_manifests(old: ReleaseState, new: ReleaseState) -> tuple[ManifestChange, ...]:
    """Manifests whose rows differ, whatever their order; one that is gone lost all its rows."""
    changes = []
    for path in sorted(old.manifests.keys() | new.manifests.keys()):
        before, after = old.manifests.get(path, Counter()), new.manifests.get(path, Counter())
        if before != after:
            added, removed = (after - before).total(), (before - after).total()
            changes.append(ManifestChange(path, before.total(), after.total(), added, removed))
    return tuple(changes)


def compare_files(old: Mapping[str, str], new: Mapping[str, str]) -> FileChanges:
    """Differences in the other files, by digest."""
    before, after = _compared(old), _compared(new)
    return FileChanges(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(
            path for path in sorted(before.keys() & after.keys()) if before[path] != after[path]
        ),
    )


def compare_settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[SettingChange, ...]:
    """Settings with another value."""
    return tuple(
        SettingChange(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and name != _VERSION_SETTING
    )


def _compared(sha256_by_path: Mapping[str, str]) -> dict[str, str]:
    """The files to compare; loose images, which metadata.jsonl tells of, as one entry."""
    found = {}
    for path, sha256 in sha256_by_path.items():
        if path.startswith(_LOOSE_IMAGES):
            found[_LOOSE_IMAGES] = ""
        elif path not in _COMPARED_ELSEWHERE:
            found[path] = sha256
    return found


def _is_table(path: str) -> bool:
    return path.startswith(_NEIGHBOR_TABLES) and not path.endswith(".parquet")
