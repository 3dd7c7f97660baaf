"""A release while it is made: a folder, and what is known of every file that went into it.

Sizes and digests are taken of the bytes on their way to the disk, so nothing is read back to make
the lists of files.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from isekai_gen.hashing import canonical_json
from isekai_gen.release.index import ListedFile
from isekai_gen.release.layout import role_of
from isekai_gen.storage import storage_errors

if TYPE_CHECKING:
    from typing_extensions import Buffer

_BLOCK = 1 << 20
_LINES_AT_ONCE = 256


class HashedFile(io.RawIOBase):
    """A new file that is written from start to end and hashed on the way.

    Attributes:
        size: Bytes so far.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        # Large blocks: pyarrow writes pages of some bytes, tar headers of 512.
        self._file = path.open("xb", buffering=_BLOCK)
        self._digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Buffer) -> int:
        written = self._file.write(content)
        self._digest.update(content)
        self.size += written
        return written

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        if not self._file.closed:  # closing this file flushes it once more
            self._file.flush()

    def close(self) -> None:
        if not self.closed:
            try:
                self._file.close()
            finally:
                super().close()

    def sha256(self) -> str:
        """64 hex digits over all bytes so far."""
        return self._digest.hexdigest()


class ReleaseDraft:
    """Takes the files of a release, each once, under its final name.

    Used by one thread; `place` by any.

    Attributes:
        folder: Where the files lie while the release is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listed: dict[str, ListedFile] = {}
        self._parents: set[Path] = set()

    def place(self, name: str) -> Path:
        """Where the file called `name` in the release lies now; its folder is made."""
        path = self.folder / name
        if path.parent not in self._parents:
            with storage_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            self._parents.add(path.parent)
        return path

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file.

        Raises:
            StorageError: If the disk is full or read-only.
        """
        with self.stream(name) as file:
            file.write(content)

    def write_lines(self, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Write JSON lines as they come; returns how many.

        Raises:
            StorageError: If the disk is full or read-only.
        """
        return self.write_encoded(name, (f"{canonical_json(row)}\n".encode() for row in rows))

    def write_encoded(self, name: str, lines: Iterable[bytes]) -> int:
        """Write lines that end in a line feed already; returns how many."""
        written = 0
        remaining = iter(lines)
        with self.stream(name) as file:
            while some := list(itertools.islice(remaining, _LINES_AT_ONCE)):
                file.write(b"".join(some))
                written += len(some)
        return written

    def write_json(self, name: str, value: object) -> None:
        """Write a JSON file for people: indented, sorted keys."""
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        self.write(name, f"{text}\n".encode())

    def copy(self, source: Path, name: str) -> None:
        """Copy a file byte for byte.

        Raises:
            StorageError: If the disk is full or read-only.
            OSError: If `source` cannot be read.
        """
        with source.open("rb") as taken, self.stream(name) as file:
            while block := taken.read(_BLOCK):
                file.write(block)

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """A file to write from start to end, such as a Parquet file; listed when the block ends.

        Raises:
            StorageError: If the disk is full or read-only.
            ValueError: If the release has that file already.
        """
        if name in self._listed:
            raise ValueError(f"{name} is written twice")
        path = self.place(name)
        with storage_errors(path):
            file = HashedFile(path)
            try:
                yield file  # type: ignore[misc] # typeshed has no BinaryIO that only writes
            finally:
                file.close()
        self.add(ListedFile(name, file.size, file.sha256(), role_of(name)))

    def add(self, listed: ListedFile) -> None:
        """Take note of a file that was put into its `place` by other means."""
        self._listed[listed.path] = listed

    def measured(self, name: str) -> ListedFile:
        """Size and digest of a file that is written."""
        return self._listed[name]

    def listed(self) -> list[ListedFile]:
        """Every file so far, sorted by path."""
        return [self._listed[path] for path in sorted(self._listed)]
