"""How two versions of a release differ, and which version number that asks for.

The rule is Croissant's: PATCH for the same records in other packaging, MINOR if records were only
added, MAJOR if any was changed, removed or moved to another split. Rows of the LCL manifests are
records too, since results are compared by them. Measures of curation (such as the similarity to
the most similar other image) change for old images when new ones come: they ask for MINOR.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.release.changes.diff_images import ImageChanges, compare_images
from isekai_gen.release.changes.diff_state import ReleaseState, read_state
from isekai_gen.release.changes.diff_tables import (
    ConceptChanges,
    FileChanges,
    ManifestChange,
    SettingChange,
    compare_concepts,
    compare_files,
    compare_manifests,
    compare_settings,
)
from isekai_gen.release.changes.diff_version import Bump, Demand, allowed_bump, least_version


@dataclass(frozen=True)
class ReleaseDiff:
    """What a release changes against an earlier one.

    Attributes:
        old_name: Of the earlier dataset.
        old_version: Of the earlier release.
        name: Of the later dataset.
        version: Of the later release.
        images: Differences in images.
        concepts: Differences in the catalog.
        manifests: Manifests that differ.
        files: Other files that differ.
        settings: Settings that differ.
    """

    old_name: str
    old_version: str
    name: str
    version: str
    images: ImageChanges
    concepts: ConceptChanges
    manifests: tuple[ManifestChange, ...]
    files: FileChanges
    settings: tuple[SettingChange, ...]

    def demands(self) -> list[Demand]:
        """Everything that asks for a new version, the greatest first."""
        found = [*self._image_demands(), *self._table_demands()]
        return sorted((each for each in found if each.number), key=lambda each: -each.bump)

    @property
    def required_bump(self) -> Bump:
        """What the version must be raised by, at least."""
        return max((demand.bump for demand in self.demands()), default=Bump.NONE)

    @property
    def is_version_enough(self) -> bool:
        """Whether the later version is as much above the earlier one as the changes ask for."""
        return allowed_bump(self.old_version, self.version) >= self.required_bump

    def least_version(self, bump: Bump) -> str:
        """The lowest version that is `bump` above the earlier release's."""
        return least_version(self.old_version, bump)

    def _image_demands(self) -> list[Demand]:
        images = self.images
        return [
            Demand(Bump.MAJOR, len(images.removed), "images removed"),
            Demand(Bump.MAJOR, len(images.records_changed()), "images changed"),
            Demand(Bump.MAJOR, len(images.old_columns), "columns removed"),
            Demand(Bump.MINOR, len(images.added), "images added"),
            Demand(Bump.MINOR, len(images.measured_anew()), "images measured anew"),
            Demand(Bump.MINOR, len(images.new_columns), "columns added"),
            Demand(Bump.PATCH, len(images.repacked()), "image files repacked"),
        ]

    def _table_demands(self) -> list[Demand]:
        concepts, files = self.concepts, self.files
        return [
            Demand(Bump.MAJOR, len(concepts.removed), "concepts removed"),
            Demand(Bump.MAJOR, len(concepts.changed), "concepts changed"),
            Demand(Bump.MINOR, len(concepts.added), "concepts added"),
            Demand(Bump.MAJOR, sum(each.removed for each in self.manifests), "manifest rows gone"),
            Demand(Bump.MINOR, sum(each.added for each in self.manifests), "manifest rows added"),
            Demand(Bump.MAJOR, len(files.tables_removed), "neighbor tables removed"),
            Demand(Bump.MINOR, len(files.tables_renewed), "neighbor tables new or measured anew"),
            Demand(Bump.PATCH, len(self.settings), "settings changed"),
            Demand(Bump.PATCH, files.number, "files added, removed or changed"),
        ]

    def to_json(self) -> dict[str, Any]:
        """For `release diff --json`."""
        return {
            "from": {"name": self.old_name, "version": self.old_version},
            "to": {"name": self.name, "version": self.version},
            "required_bump": self.required_bump.word,
            "least_version": self.least_version(self.required_bump),
            "version_is_enough": self.is_version_enough,
            "demands": [each.to_json() for each in self.demands()],
            "images": self.images.to_json(),
            "concepts": self.concepts.to_json(),
            "manifests": [each.to_json() for each in self.manifests],
            "files": self.files.to_json(),
            "settings": [each.to_json() for each in self.settings],
        }


def diff_releases(earlier: Path, later: Path) -> ReleaseDiff:
    """Compare two release folders.

    Raises:
        ReleaseError: If either is no release or cannot be read.
    """
    return compare_states(read_state(earlier), read_state(later))


def compare_states(old: ReleaseState, new: ReleaseState) -> ReleaseDiff:
    """How `new` differs from `old`.

    Raises:
        ReleaseError: If a version is not MAJOR.MINOR.PATCH.
    """
    return ReleaseDiff(
        old_name=old.name,
        old_version=old.version,
        name=new.name,
        version=new.version,
        images=compare_images(old, new),
        concepts=compare_concepts(old.concepts, new.concepts),
        manifests=compare_manifests(old, new),
        files=compare_files(old.files, new.files),
        settings=compare_settings(old.settings, new.settings),
    )
