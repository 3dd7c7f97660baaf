"""What a release holds, as far as two versions of it are told apart.

Read from files, which are not trusted: what cannot be read is one error that names file and line.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.release.index import ListedFile
from isekai_gen.release.layout import (
    CONCEPTS_FILE,
    INDEX_FILE,
    METADATA_FILE,
    REJECTED_FILE,
    SETTINGS_FILE,
)
from isekai_gen.release.verification.received import ReceivedTree, walk_release

_TEXTS = ("id", "file_name", "concept", "sha256", "pixel_sha256")
_MANIFESTS = "lcl/"


@dataclass(frozen=True)
class ReleaseState:
    """What was released.

    Attributes:
        name: Of the dataset.
        version: "MAJOR.MINOR.PATCH".
        columns: Of metadata.jsonl, sorted.
        images: Image id to its values, in the order of `columns`.
        concepts: Slug to the row of concepts.jsonl.
        rejected: Image id to the row of rejected.jsonl.
        manifests: Path of each manifest to how often each row is in it, by digest.
        settings: Dotted name to value, as in provenance/settings.json.
        files: Path to SHA-256 of every file but the two lists.
    """

    name: str
    version: str
    columns: tuple[str, ...]
    images: Mapping[str, tuple[Any, ...]]
    concepts: Mapping[str, Mapping[str, Any]]
    rejected: Mapping[str, Mapping[str, Any]]
    manifests: Mapping[str, Counter[str]]
    settings: Mapping[str, Any]
    files: Mapping[str, str]

    def value(self, image_id: str, column: str) -> Any:  # noqa: ANN401 - any JSON value
        """What metadata.jsonl has in that column; None if there is no such column."""
        if column not in self.columns:
            return None
        return self.images[image_id][self.columns.index(column)]


def read_state(folder: Path) -> ReleaseState:
    """The state of a finished release; digests of files as release.json has them.

    Raises:
        ReleaseError: If there is no release, or one that cannot be read.
    """
    if not folder.is_dir():
        raise ReleaseError(f"{folder} is no folder; name the folder of a release")
    tree = walk_release(folder)
    if INDEX_FILE not in tree.files:
        raise ReleaseError(
            f"{folder} has no {INDEX_FILE}, so it is no release; name another folder"
        )
    index = tree.read_json(INDEX_FILE)
    _refuse_findings(tree)
    try:
        files = {entry["path"]: entry["sha256"] for entry in index["files"]}
        name, version = index["name"], index["version"]
    except (KeyError, TypeError) as error:
        raise _unreadable(folder, INDEX_FILE, "lacks name, version or files") from error
    for text in [name, version, *files, *files.values()]:
        _check_text(folder, INDEX_FILE, text)
    return _read_tree(tree, name, version, files)


def read_draft(folder: Path, name: str, version: str, listed: Iterable[ListedFile]) -> ReleaseState:
    """The state of a release that is being made and whose tables are written.

    Args:
        folder: Where it lies so far.
        name: Of the dataset.
        version: Of the dataset.
        listed: Files so far.
    """
    return _read_tree(
        walk_release(folder), name, version, {file.path: file.sha256 for file in listed}
    )


def _read_tree(
    tree: ReceivedTree, name: str, version: str, files: Mapping[str, str]
) -> ReleaseState:
    if METADATA_FILE not in tree.files:
        raise _unreadable(tree.folder, METADATA_FILE, "missing")
    before = len(tree.findings)
    try:
        state = _state_of(tree, name, version, files)
    # From Python 3.12 on, JSON is read to a greater depth than functions may call each other.
    except RecursionError as error:
        raise _unreadable(tree.folder, "a table", "nested too deeply") from error
    _refuse_findings(tree, before)
    return state


def _state_of(
    tree: ReceivedTree, name: str, version: str, files: Mapping[str, str]
) -> ReleaseState:
    columns, images = _read_images(tree)
    return ReleaseState(
        name=name,
        version=version,
        columns=columns,
        images=images,
        concepts=_rows_by(tree, CONCEPTS_FILE, "slug"),
        rejected=_rows_by(tree, REJECTED_FILE, "id"),
        manifests={
            path: Counter(_digest(row) for _, row in tree.iter_rows(path))
            for path in sorted(tree.files)
            if path.startswith(_MANIFESTS) and path.endswith((".json", ".jsonl"))
        },
        settings=_read_settings(tree),
        files=files,
    )


def _read_images(tree: ReceivedTree) -> tuple[tuple[str, ...], dict[str, tuple[Any, ...]]]:
    columns: tuple[str, ...] = ()
    images: dict[str, tuple[Any, ...]] = {}
    for number, row in tree.iter_rows(METADATA_FILE):
        where = f"{METADATA_FILE} line {number}"
        for key in _TEXTS:
            _check_text(tree.folder, where, row.get(key))
        _check_text(tree.folder, where, row.get("split", ""))
        found = tuple(sorted(row))
        if found != columns and columns:
            raise _unreadable(tree.folder, where, "has other columns than the first line")
        columns = columns or found
        if row["id"] in images:
            raise _unreadable(tree.folder, where, f"repeats the id {row['id']}")
        images[row["id"]] = tuple(_shared(row[column]) for column in columns)
    for column in columns:
        _check_text(tree.folder, METADATA_FILE, column)
    return columns, images


def _read_settings(tree: ReceivedTree) -> dict[str, Any]:
    found = dict(_flatten("", tree.read_json(SETTINGS_FILE)))
    for name in found:
        _check_text(tree.folder, SETTINGS_FILE, name)
    return found


def _rows_by(tree: ReceivedTree, name: str, key: str) -> dict[str, dict[str, Any]]:
    rows = {}
    for number, row in tree.iter_rows(name):
        _check_text(tree.folder, f"{name} line {number}", row.get(key))
        rows[row[key]] = row
    return rows


def _shared(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    # Most columns hold few distinct texts; one copy of each keeps a large release small.
    return sys.intern(value) if isinstance(value, str) else value


def _flatten(prefix: str, value: Any) -> Iterable[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _flatten(f"{prefix}.{key}" if prefix else key, part)
    elif prefix:
        yield prefix, value


def _digest(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


def _check_text(folder: Path, where: str, value: object) -> None:
    if not isinstance(value, str) or not value.isprintable():
        raise _unreadable(folder, where, f"{ascii(value)[:80]} must be printable text")


def _refuse_findings(tree: ReceivedTree, since: int = 0) -> None:
    """Raise ReleaseError for what was found while reading; the walk may have found more."""
    unread = [each for each in tree.findings[since:] if each.rule in ("json", "unreadable")]
    if unread:
        raise _unreadable(tree.folder, unread[0].file, unread[0].message)


def _unreadable(folder: Path, where: str, message: str) -> ReleaseError:
    return ReleaseError(
        f"{folder}: {where}: {message}; isekai-gen release verify {folder} tells more"
    )
