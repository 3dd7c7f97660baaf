"""Build a folder aside and rename it into place: at its final name it is whole or not there."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isekai_gen.errors import LockedError, ReleaseError
from isekai_gen.storage import storage_errors, sync_folder


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """An empty folder beside `out` that becomes `out` when the block ends without error.

    What a killed run left there is cleared away by the next one.

    Raises:
        ReleaseError: If `out` exists.
        LockedError: If another process is building it.
        StorageError: If the disk is full or read-only; nothing is left.
    """
    refuse_existing(out)
    staging = out.with_name(f".tmp-{out.name}")
    with storage_errors(out):
        staging.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _claim(descriptor, staging, out)
        try:
            with storage_errors(out):
                _clear(staging)
                yield staging
                refuse_existing(out)
                staging.rename(out)
                sync_folder(out.parent)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    finally:
        os.close(descriptor)


def refuse_existing(out: Path) -> None:
    """Raise ReleaseError if anything is at `out`; a release is never changed."""
    if os.path.lexists(out):
        raise ReleaseError(
            f"{out} exists, and a release is never changed; choose another --out, or delete it"
        )


def _claim(descriptor: int, staging: Path, out: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between our open and our lock its owner may have renamed or removed it.
        same = os.path.samestat(os.fstat(descriptor), staging.lstat())
    except (BlockingIOError, FileNotFoundError):
        same = False
    if not same:
        raise LockedError(
            f"another process is building {out}; wait for it to end, or choose another --out"
        )


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
