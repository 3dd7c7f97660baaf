"""Which images two versions of a release differ in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from isekai_gen.release.changes.diff_state import ReleaseState

# Told by curation, from the other images too: adding an image may change them for old ones.
MEASURED_COLUMNS = frozenset(
    {
        "alignment",
        "nearest_class",
        "class_margin",
        "nearest_reference",
        "reference_similarity",
        "max_similarity",
        "duplicate_group",
    }
)
# Of the file, not of the picture in it.
PACKAGING_COLUMNS = frozenset({"bytes", "sha256"})
NO_LONGER_THERE = "no longer in the workspace"


@dataclass(frozen=True)
class AddedImage:
    """An image that only the later release has.

    Attributes:
        id: Of the image.
        concept: Slug.
        file_name: In the later release.
        was_rejected: Why the earlier release did not have it, or "" if it is new.
    """

    id: str
    concept: str
    file_name: str
    was_rejected: str

    def to_json(self) -> dict[str, Any]:
        """As lists for machines have it."""
        return asdict(self)


@dataclass(frozen=True)
class RemovedImage:
    """An image that only the earlier release has.

    Attributes:
        id: Of the image.
        concept: Slug.
        file_name: In the earlier release.
        sha256: Of the file in the earlier release, so that copies of it can be found.
        reason: Why it is gone.
    """

    id: str
    concept: str
    file_name: str
    sha256: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """As lists for machines have it."""
        return asdict(self)


@dataclass(frozen=True)
class ChangedImage:
    """An image that both releases have, but not alike.

    Attributes:
        id: Of the image.
        concept: Slug in the later release.
        old_file_name: In the earlier release.
        file_name: In the later release.
        old_sha256: Of the file in the earlier release.
        old_split: In the earlier release; "" if it knew no splits.
        split: In the later release.
        columns: Columns of metadata.jsonl that differ.
    """

    id: str
    concept: str
    old_file_name: str
    file_name: str
    old_sha256: str
    old_split: str
    split: str
    columns: tuple[str, ...]

    @property
    def is_record_changed(self) -> bool:
        """Whether more than measures and the packaging of the file differs."""
        return not set(self.columns) <= MEASURED_COLUMNS | PACKAGING_COLUMNS

    @property
    def is_file_changed(self) -> bool:
        """Whether a copy of the earlier file is no copy of the later one."""
        return "sha256" in self.columns

    @property
    def is_measured_anew(self) -> bool:
        """Whether measures differ, but nothing of the record."""
        return not self.is_record_changed and not MEASURED_COLUMNS.isdisjoint(self.columns)

    @property
    def what(self) -> str:
        """The most that differs: "record", "measures" or "packaging"."""
        if self.is_record_changed:
            return "record"
        return "measures" if self.is_measured_anew else "packaging"

    def to_json(self) -> dict[str, Any]:
        """With what differs and by how much."""
        return {**asdict(self), "columns": list(self.columns), "what": self.what}


@dataclass(frozen=True)
class ImageChanges:
    """All differences in images; each list in the order of ids.

    Attributes:
        before: Images of the earlier release.
        after: Images of the later release.
        added: Only in the later one.
        removed: Only in the earlier one.
        changed: In both.
        old_columns: Columns that only the earlier release has; not compared.
        new_columns: Columns that only the later release has; not compared.
    """

    before: int
    after: int
    added: tuple[AddedImage, ...]
    removed: tuple[RemovedImage, ...]
    changed: tuple[ChangedImage, ...]
    old_columns: tuple[str, ...]
    new_columns: tuple[str, ...]

    @property
    def same(self) -> int:
        """Images that are alike in both releases."""
        return self.before - len(self.removed) - len(self.changed)

    def records_changed(self) -> list[ChangedImage]:
        """Images whose record differs."""
        return [image for image in self.changed if image.is_record_changed]

    def measured_anew(self) -> list[ChangedImage]:
        """Images of which only measures, and perhaps the file, differ."""
        return [image for image in self.changed if image.is_measured_anew]

    def repacked(self) -> list[ChangedImage]:
        """Images with the same pixels and record in another file."""
        return [
            image
            for image in self.changed
            if not image.is_record_changed and not image.is_measured_anew
        ]

    def to_json(self) -> dict[str, Any]:
        """For `release diff --json`; before = same + changed + removed."""
        return {
            "before": self.before,
            "after": self.after,
            "same": self.same,
            "added": [image.to_json() for image in self.added],
            "removed": [image.to_json() for image in self.removed],
            "changed": [image.to_json() for image in self.changed],
            "columns_removed": list(self.old_columns),
            "columns_added": list(self.new_columns),
        }


def compare_images(old: ReleaseState, new: ReleaseState) -> ImageChanges:
    """How the images of `new` differ from those of `old`."""
    shared = [
        (name, old.columns.index(name), new.columns.index(name))
        for name in old.columns
        if name in new.columns
    ]
    changed = (
        _compare_image(old, new, key, shared) for key in sorted(old.images) if key in new.images
    )
    return ImageChanges(
        before=len(old.images),
        after=len(new.images),
        added=tuple(_added(old, new, key) for key in sorted(new.images.keys() - old.images.keys())),
        removed=tuple(
            _removed(old, new, key) for key in sorted(old.images.keys() - new.images.keys())
        ),
        changed=tuple(image for image in changed if image.columns),
        old_columns=tuple(sorted(set(old.columns) - set(new.columns))),
        new_columns=tuple(sorted(set(new.columns) - set(old.columns))),
    )


def rejection_words(row: Mapping[str, Any]) -> str:
    """Why an image was dropped, from its row of rejected.jsonl, in one printable line."""
    words = f"{row.get('by')}: {row.get('reason')}"
    measured, limit = row.get("measured"), row.get("limit")
    if isinstance(measured, (int, float)) and isinstance(limit, (int, float)):
        words += f" ({measured:.4g}, limit {limit:.4g})"
    for key in ("witness", "reference"):
        if row.get(key):
            words += f", {key} {row[key]}"
    return words if words.isprintable() else ascii(words)


def _added(old: ReleaseState, new: ReleaseState, key: str) -> AddedImage:
    row = old.rejected.get(key)
    return AddedImage(
        id=key,
        concept=new.value(key, "concept"),
        file_name=new.value(key, "file_name"),
        was_rejected=rejection_words(row) if row else "",
    )


def _removed(old: ReleaseState, new: ReleaseState, key: str) -> RemovedImage:
    row = new.rejected.get(key)
    return RemovedImage(
        id=key,
        concept=old.value(key, "concept"),
        file_name=old.value(key, "file_name"),
        sha256=old.value(key, "sha256"),
        reason=rejection_words(row) if row else NO_LONGER_THERE,
    )


def _compare_image(
    old: ReleaseState, new: ReleaseState, key: str, shared: Sequence[tuple[str, int, int]]
) -> ChangedImage:
    before, after = old.images[key], new.images[key]
    return ChangedImage(
        id=key,
        concept=new.value(key, "concept"),
        old_file_name=old.value(key, "file_name"),
        file_name=new.value(key, "file_name"),
        old_sha256=old.value(key, "sha256"),
        old_split=old.value(key, "split") or "",
        split=new.value(key, "split") or "",
        columns=tuple(name for name, first, second in shared if before[first] != after[second]),
    )
