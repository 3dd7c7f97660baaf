"""The differences between two releases in words: lines for a terminal, Markdown for a changelog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from isekai_gen.release.changes.diff import ReleaseDiff
from isekai_gen.release.changes.diff_images import (
    PACKAGING_COLUMNS,
    ChangedImage,
    ImageChanges,
    RemovedImage,
)
from isekai_gen.release.changes.diff_tables import SettingChange
from isekai_gen.release.changes.diff_version import Bump
from isekai_gen.release.layout import CHANGES_FILE

_SHOWN_IN_CHANGELOG = 20
_KINDS = {"pixel_sha256": "in pixels", "split": "moved", "file_name": "renamed"}


def lines_of_diff(diff: ReleaseDiff, shown: int | None) -> Iterator[str]:
    """Lines for people: numbers first, then details.

    Args:
        diff: What differs.
        shown: Lines of each kind, at most; None for all.
    """
    yield f"{diff.old_name} {diff.old_version} -> {diff.name} {diff.version}"
    yield from _sums(diff)
    images = diff.images
    yield from _some("removed", (_removed_words(each) for each in images.removed), shown)
    yield from _some("changed", (_changed_words(each) for each in images.records_changed()), shown)
    yield from _some("measured", (_changed_words(each) for each in images.measured_anew()), shown)
    yield from _some("repacked", (_changed_words(each) for each in images.repacked()), shown)
    added = (
        f"{each.id} {each.file_name}: "
        + (f"was rejected, {each.was_rejected}" if each.was_rejected else "new")
        for each in images.added
    )
    yield from _some("added", added, shown)
    yield from _table_lines(diff, shown)
    yield from _some("file removed", diff.files.removed, shown)
    yield from _some("file changed", diff.files.changed, shown)
    yield from _some("file added", diff.files.added, shown)
    yield verdict_words(diff)


def verdict_words(diff: ReleaseDiff) -> str:
    """Which version the changes ask for, and whether the later release has it."""
    required = diff.required_bump
    if not diff.demands():
        return f"nothing differs; version {diff.version} is right"
    reasons = ", ".join(each.words() for each in diff.demands() if each.bump == required)
    asked = f"{required.name} change ({reasons}): at least {diff.least_version(required)}"
    verdict = "is enough" if diff.is_version_enough else "is too low"
    return f"{asked}; version {diff.version} {verdict}"


def markdown_of_diff(diff: ReleaseDiff, bump: Bump) -> str:
    """An entry of a changelog; ends in a line feed.

    Args:
        diff: What differs.
        bump: What the version had to be raised by, at least.
    """
    lines = [f"Changes since {diff.old_version}, {bump.name} by Croissant's rule.", ""]
    lines += [f"- {line}" for line in _sums(diff)]
    images = diff.images
    if images.removed:
        reasons = Counter(_cause(image) for image in images.removed)
        lines += ["", "Removed images, by reason:", ""]
        lines += [f"- {reason}: {number}" for reason, number in sorted(reasons.items())]
    lines += _markdown_list("Changed images", [_changed_words(x) for x in images.records_changed()])
    lines += _markdown_list("Changes in tables and settings", list(_table_lines(diff, None)))
    if images.removed or images.changed or images.added:
        told = f"[{CHANGES_FILE}]({CHANGES_FILE})"
        lines += ["", f"{told} lists what was added, removed or changed, image by image."]
    return "\n".join(lines) + "\n"


def _sums(diff: ReleaseDiff) -> Iterator[str]:
    images, concepts = diff.images, diff.concepts
    kept = _kept_words(images)
    yield f"images before: {images.before} = {kept} + {len(images.removed)} removed"
    yield f"images after: {images.after} = {kept} + {_added_words(images)}"
    if images.records_changed():
        yield f"of the images changed: {_record_words(images)}"
    same = concepts.before - len(concepts.removed) - len(concepts.changed)
    kept = f"{same} the same + {len(concepts.changed)} changed"
    yield f"concepts before: {concepts.before} = {kept} + {len(concepts.removed)} removed"
    yield f"concepts after: {concepts.after} = {kept} + {len(concepts.added)} added"


def _kept_words(images: ImageChanges) -> str:
    parts = [
        (images.same, "the same"),
        (len(images.records_changed()), "changed"),
        (len(images.measured_anew()), "measured anew"),
        (len(images.repacked()), "repacked"),
    ]
    return " + ".join(f"{number} {what}" for number, what in parts)


def _record_words(images: ImageChanges) -> str:
    """In what the records differ; one image may count several times."""
    changed = images.records_changed()
    numbers = Counter(name for image in changed for name in image.columns if name in _KINDS)
    others = sum(bool(_other_columns(image)) for image in changed)
    parts = [f"{numbers[name]} {what}" for name, what in _KINDS.items()]
    return ", ".join([*parts, f"{others} in other columns"])


def _added_words(images: ImageChanges) -> str:
    returned = sum(bool(image.was_rejected) for image in images.added)
    new = len(images.added) - returned
    return f"{new} new + {returned} formerly rejected"


def _table_lines(diff: ReleaseDiff, shown: int | None) -> Iterator[str]:
    concepts, images = diff.concepts, diff.images
    yield from _some("concept removed", concepts.removed, shown)
    changed = (f"{slug}: {', '.join(columns)}" for slug, columns in concepts.changed.items())
    yield from _some("concept changed", changed, shown)
    yield from _some("concept added", concepts.added, shown)
    yield from _some("column removed", images.old_columns, shown)
    yield from _some("column added", images.new_columns, shown)
    manifests = (
        f"{each.path}: {each.before} rows - {each.removed} + {each.added} = {each.after}"
        for each in diff.manifests
    )
    yield from _some("manifest", manifests, shown)
    yield from _some("setting", (_setting_words(each) for each in diff.settings), shown)


def _some(label: str, lines: Iterable[str], shown: int | None) -> Iterator[str]:
    found = list(lines)
    limit = len(found) if shown is None else shown
    for line in found[:limit]:
        yield f"{label}: {line}"
    if len(found) > limit:
        yield f"{label}: {len(found) - limit} more (--all shows them)"


def _markdown_list(title: str, found: Sequence[str]) -> list[str]:
    if not found:
        return []
    lines = ["", f"{title}:", "", *[f"- {line}" for line in found[:_SHOWN_IN_CHANGELOG]]]
    if len(found) > _SHOWN_IN_CHANGELOG:
        lines.append(f"- and {len(found) - _SHOWN_IN_CHANGELOG} more")
    return lines


def _removed_words(image: RemovedImage) -> str:
    return f"{image.id} {image.file_name}: {image.reason}"


def _cause(image: RemovedImage) -> str:
    """The reason without numbers and witnesses, so that equal ones can be counted."""
    return image.reason.partition(" (")[0].partition(", ")[0]


def _changed_words(image: ChangedImage) -> str:
    words = []
    if "pixel_sha256" in image.columns:
        words.append("other pixels")
    elif "sha256" in image.columns:
        words.append("other file, the same pixels")
    if "split" in image.columns:
        words.append(f"moved from {image.old_split} to {image.split}")
    if "file_name" in image.columns:
        words.append(f"renamed from {image.old_file_name}")
    others = _other_columns(image)
    if others:
        words.append(f"other {', '.join(others)}")
    return f"{image.id} {image.file_name}: {'; '.join(words)}"


def _other_columns(image: ChangedImage) -> list[str]:
    told = {*_KINDS, *PACKAGING_COLUMNS}
    return [column for column in image.columns if column not in told]


def _setting_words(change: SettingChange) -> str:
    return f"{change.name}: {_shown(change.old)} -> {_shown(change.new)}"


def _shown(value: object) -> str:
    return "none" if value is None else ascii(value)
