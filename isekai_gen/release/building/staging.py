"""Build a folder aside and rename it into place: at its final name it is whole or not there.

Beside `out` lies `.tmp-NAME` while a release is built: the release itself in `tree`, and in
`progress` what is finished of it, so that a build that was killed goes on where it was.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from isekai_gen.errors import InputError, LockedError, ReleaseError
from isekai_gen.release.layout import INDEX_FILE, SUMS_FILE
from isekai_gen.storage import storage_errors, sync_folder


@dataclass(frozen=True)
class Staging:
    """Where a release is built.

    Attributes:
        tree: Becomes the release.
        progress: What a later build needs to go on; never part of the release.
    """

    tree: Path
    progress: Path


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """An empty folder beside `out` that becomes `out` when the block ends without error.

    What a killed run left there is cleared away by the next one.

    Raises:
        ReleaseError: If `out` exists.
        LockedError: If another process is building it.
        StorageError: If the disk is full or read-only; nothing is left.
    """
    with resumable_folder(out) as staging:
        for folder in (staging.tree, staging.progress):
            shutil.rmtree(folder)
            folder.mkdir()
        yield staging.tree


@contextmanager
def resumable_folder(out: Path) -> Iterator[Staging]:
    """Folders beside `out`; their tree becomes `out` when the block ends without error.

    They may hold what an earlier build left: whoever uses them keeps or clears it. What was asked
    for wrongly (InputError) leaves nothing; after any other end, finished work stays for the next
    build if there is some.

    Raises:
        ReleaseError: If `out` exists.
        LockedError: If another process is building it.
        StorageError: If the disk is full or read-only.
    """
    refuse_existing(out)
    root = out.with_name(f".tmp-{out.name}")
    staging = Staging(root / "tree", root / "progress")
    with storage_errors(out):
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _claim(descriptor, root, out)
        try:
            with storage_errors(out):
                staging.tree.mkdir(exist_ok=True)
                staging.progress.mkdir(exist_ok=True)
                yield staging
                refuse_existing(out)
                staging.tree.rename(out)
                sync_folder(out.parent)
        except BaseException as error:
            if isinstance(error, InputError) or not _has_files(staging.progress):
                shutil.rmtree(root, ignore_errors=True)
            raise
        shutil.rmtree(root)
    finally:
        os.close(descriptor)


def refuse_existing(out: Path) -> None:
    """Raise ReleaseError if anything is at `out`, or it is in a release, which is never changed."""
    if os.path.lexists(out):
        raise ReleaseError(
            f"{out} exists, and a release is never changed; choose another --out, or delete it"
        )
    for folder in out.resolve().parents:
        if (folder / INDEX_FILE).is_file() and (folder / SUMS_FILE).is_file():
            raise ReleaseError(
                f"{out} is in the release {folder.name}, and a release is never changed; choose "
                "another --out"
            )


def _claim(descriptor: int, root: Path, out: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between our open and our lock its owner may have removed it.
        same = os.path.samestat(os.fstat(descriptor), root.lstat())
    except (BlockingIOError, FileNotFoundError):
        same = False
    if not same:
        raise LockedError(
            f"another process is building {out}; wait for it to end, or choose another --out"
        )


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
