"""Pictures in a folder and the folders below it; a picture's class is the name of its folder."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from isekai_gen.stages.picture_sources_places import (
    Listing,
    PicturePlace,
    is_picture_name,
    is_text,
    printable,
    too_large,
)


def list_folder(root: Path) -> Listing:
    """Every picture below `root`.

    Symbolic links are followed to files inside the folder only, so that a folder from elsewhere
    cannot have other files read; links to folders are refused, since they may run in circles.

    Args:
        root: The folder, without symbolic links in its own path.
    """
    places: list[PicturePlace] = []
    refused: dict[str, str] = {}
    skipped: Counter[str] = Counter()
    for entry in _entries(root, root, refused):
        key = Path(entry.path).relative_to(root).as_posix()
        if not is_picture_name(entry.name) and not _is_linked_folder(entry):
            skipped[PurePosixPath(printable(entry.name)).suffix.lower()] += 1
            continue
        reason, status = _refusal(entry, root)
        if reason or status is None:
            refused[printable(key)] = reason
        else:
            label = PurePosixPath(key).parent.name
            places.append(PicturePlace(key, label, key, 0, status.st_size, status.st_mtime_ns))
    return Listing(places, refused, skipped)


def read_from_folder(root: Path, place: PicturePlace) -> bytes:
    """The bytes of a picture; OSError if the file cannot be read."""
    return (root / place.file).read_bytes()


def _entries(folder: Path, root: Path, refused: dict[str, str]) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder but folders; links to folders are among it, hidden ones are not.

    Folders that cannot be listed are noted in `refused`.
    """
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if folder == root:
            raise
        key = printable(folder.relative_to(root).as_posix())
        refused[key] = f"is a folder that cannot be listed ({error.strerror})"
        return
    for entry in listed:
        if not entry.is_dir(follow_symlinks=False):
            yield entry
        elif not entry.name.startswith("."):
            yield from _entries(Path(entry.path), root, refused)


def _is_linked_folder(entry: os.DirEntry[str]) -> bool:
    # Not entry.is_dir(): it raises for links in a circle.
    return entry.is_symlink() and Path(entry.path).is_dir()


def _refusal(entry: os.DirEntry[str], root: Path) -> tuple[str, os.stat_result | None]:
    """Why an entry is not read, or "" and what the file system knows of it."""
    if not is_text(entry.path):
        return "its name is not UTF-8; rename it", None
    if _is_linked_folder(entry):
        return "is a symbolic link to a folder; name that folder itself", None
    try:
        if entry.is_symlink() and not Path(entry.path).resolve(strict=True).is_relative_to(root):
            return "is a symbolic link out of the folder; copy the file there", None
        status = entry.stat()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        return f"cannot be read ({getattr(error, 'strerror', None) or error})", None
    if not stat.S_ISREG(status.st_mode):
        return "is no regular file", None
    return too_large(status.st_size), status
