"""How files come to disk: whole or not at all, durable, and with clear errors when they cannot.

Whole files are replaced atomically (`write_atomically`). Many files that belong together are first
staged (`write_staged`), then moved into their places (`move_all`).
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from isekai_gen.errors import StorageError

_TEMPORARY_PREFIX = ".tmp-"


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn "disk full" and "read-only" while writing `path` into one clear line.

    Raises:
        StorageError: In place of the OSError; other OSErrors pass unchanged.
    """
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the disk quota is used up",
            errno.EROFS: "the file system is read-only",
            errno.EACCES: "writing is not permitted",
            errno.EFBIG: "the file size limit is reached",
            errno.EPERM: "writing is not permitted",
        }
        if error.errno not in reasons:
            raise
        raise StorageError(
            f"cannot write {path}: {reasons[error.errno]}; finished work is safe: "
            "make room (or write elsewhere) and run the same command again"
        ) from error


def temporary_name(name: str) -> str:
    """What a file of this process is called until it is whole; the next lock removes leftovers."""
    return f"{_TEMPORARY_PREFIX}{os.getpid()}-{name}"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: temporary file, fsync, rename, fsync of the folder.

    A crash leaves the old file or the new one, never a part.

    Raises:
        StorageError: If the disk is full or read-only; `path` is then unchanged.
    """
    replace_file(path, content)
    with storage_errors(path):
        sync_folder(path.parent)


def replace_file(path: Path, content: bytes) -> None:
    """As `write_atomically`, but the caller makes the rename durable with `sync_folder`.

    May be called from several threads.
    """
    temporary = path.with_name(temporary_name(f"{threading.get_ident()}-{path.name}"))
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def streamed_file(path: Path) -> Iterator[Path]:
    """Where to write a file that is too large for the memory; at the end it replaces `path`.

    A crash, or an error while it is written, leaves the old file.

    Yields:
        The path to create and write.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    temporary = path.with_name(temporary_name(path.name))
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_staged(path: Path, content: bytes) -> None:
    """Write a file durably into a staging folder, from where `move_all` puts it into its place.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    with storage_errors(path), path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def move_all(places: Mapping[Path, Path]) -> None:
    """Move staged files to their places, in order, and make that durable.

    A crash leaves the first of them in place, each of them whole.

    Args:
        places: Staged file to its place, on the same file system.
    """
    folders = dict.fromkeys(place.parent for place in places.values())
    for folder in folders:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    for staged, place in places.items():
        with storage_errors(place):
            staged.replace(place)
    for folder in folders:
        sync_folder(folder)


def remove_temporary_files(folder: Path) -> int:
    """Delete what interrupted writes left below `folder`; returns how many files and folders.

    It looks at names only, since a folder of images may hold a million of them.
    """
    removed = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name.startswith(_TEMPORARY_PREFIX):
                if is_folder:
                    shutil.rmtree(entry.path)
                else:
                    # A worker of a run that was just killed may be ahead of us for a moment.
                    Path(entry.path).unlink(missing_ok=True)
                removed += 1
            elif is_folder:
                removed += remove_temporary_files(Path(entry.path))
    return removed
