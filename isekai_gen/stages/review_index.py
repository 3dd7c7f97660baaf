"""WORKSPACE/.review/index.sqlite: what the review page asks for, ready to be looked up.

It is made from files of the workspace alone, and made anew when they have changed; deleting it
loses nothing. People's decisions are not in it: they are applied on top (`review_standing`).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from isekai_gen.errors import StorageError
from isekai_gen.filters import all_filters
from isekai_gen.hashing import digest_of
from isekai_gen.stages.context import StageContext
from isekai_gen.stages.duplicate_reports import report_files
from isekai_gen.stages.embed import encoder_spec
from isekai_gen.stages.review_index_build import fill_index
from isekai_gen.stages.review_schema import DECIDED, FACETS, INDEXES, TABLES, VERSION
from isekai_gen.storage import storage_errors, sync_folder
from isekai_gen.workspace import Workspace

# Looking for changes takes at most this share of the time; making the index anew at most half.
_SHARE = 0.1
_REST_S = 2.0
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}


def review_folder(workspace: Workspace) -> Path:
    """.review/: what the review page keeps; all of it can be made again."""
    return workspace.root / ".review"


class ReviewIndex:
    """The index and one connection to it; its user sees to it that one thread at a time asks.

    Attributes:
        fingerprint: Of the files that it was made of.
    """

    def __init__(self, context: StageContext) -> None:
        """Open the index, and make it first if it is not up to date.

        Raises:
            ChecksumError: If files of the workspace are damaged.
            StorageError: If the disk is full or read-only.
        """
        self._context = context
        self._folder = review_folder(context.workspace)
        self.fingerprint = ""
        self._seen, self._seen_at = "", 0.0
        self._look_again = 0.0
        self._db: sqlite3.Connection | None = None
        self.refresh()

    @property
    def db(self) -> sqlite3.Connection:
        """The connection; another one after `refresh` has made the index anew."""
        if self._db is None:
            raise ValueError("the index is closed")
        return self._db

    def refresh(self, at_rest: bool = False) -> bool:
        """Make the index anew if files have changed; whether it was.

        Args:
            at_rest: Wait until nothing has changed for a while: nobody asks for what is in the
                files, and a command may be in the midst of writing them.

        Raises:
            ChecksumError: As at first.
        """
        started = time.monotonic()
        if started < self._look_again:
            return False
        wanted = index_fingerprint(self._context)
        looked = time.monotonic() - started
        if wanted != self._seen:
            self._seen, self._seen_at = wanted, started
        rests = started - self._seen_at >= _REST_S
        changed = wanted != self.fingerprint and (rests or not at_rest)
        if changed:
            path = self._made(wanted)
            self.close()
            self._db = _opened(path)
            self.fingerprint = wanted
        now = time.monotonic()
        self._look_again = now + looked / _SHARE + (now - started - looked)
        return changed

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _made(self, wanted: str) -> Path:
        """The index of these files; another process may have made it, or be about to."""
        path = self._folder / "index.sqlite"
        with _one_at_a_time(self._folder):
            if _fingerprint_of(path) == wanted:
                return path
            unfinished = path.with_suffix(".unfinished")
            unfinished.unlink(missing_ok=True)
            try:
                with closing(sqlite3.connect(unfinished)) as db:
                    fill_index(db, self._context, wanted)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _NO_ROOM:  # above lie details
                    raise
                raise StorageError(
                    f"cannot write {unfinished}: {error}; make room and start again"
                ) from error
            with storage_errors(path):
                unfinished.replace(path)
                sync_folder(self._folder)
        return path


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Be the only one who makes the index; waits for another."""
    path = folder / "index.lock"
    with storage_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute(DECIDED)
    return db


def _fingerprint_of(path: Path) -> str:
    """What an index was made of; "" if there is none that can be read."""
    if not path.exists():
        return ""
    try:
        with closing(sqlite3.connect(path)) as db:
            (fingerprint,) = db.execute("SELECT fingerprint FROM about").fetchone() or ("",)
    except sqlite3.DatabaseError:
        return ""
    return str(fingerprint)


def index_fingerprint(context: StageContext) -> str:
    """Names, sizes and times of everything that the index is made of."""
    workspace = context.workspace
    label = encoder_spec(context.settings.embed.encoder).label
    folders = [
        "plan",
        "done/plan",
        "records",
        "done/generate",
        workspace.embeddings(label),
        *(workspace.verdicts(name) for name in all_filters()),
    ]
    files = [
        workspace.catalog_file,
        *report_files(workspace),
        workspace.neighbors / "images.parquet",
    ]
    stamps = [stamp for folder in folders for stamp in _stamps(workspace.root / folder)]
    for path in files:
        stamps += [_stamp(path)] if path.exists() else []
    return digest_of([VERSION, TABLES, INDEXES, FACETS, label, stamps])


def _stamps(folder: Path) -> Iterator[list[str | int]]:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("part-") and entry.is_file():
                found = entry.stat()
                yield [folder.name, entry.name, found.st_size, found.st_mtime_ns]


def _stamp(path: Path) -> list[str | int]:
    found = path.stat()
    return [path.name, found.st_size, found.st_mtime_ns]
