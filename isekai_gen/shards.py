"""JSON-lines parts, done-markers and their recovery after a crash.

A part file is appended to while its shard is worked on; the done-marker is written last and is the
commit point. A torn last line is cut off when the file is opened for appending, and reported.
"""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import jsonlines

from isekai_gen.errors import ChecksumError
from isekai_gen.hashing import canonical_json, file_sha256
from isekai_gen.storage import storage_errors, sync_folder, write_atomically
from isekai_gen.workspace import Workspace

logger = logging.getLogger(__name__)


class JsonRow(Protocol):
    """A record with a JSON form."""

    def to_json(self) -> dict[str, Any]: ...

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self: ...


Row = TypeVar("Row", bound=JsonRow)


def encode_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON lines: UTF-8, LF, sorted keys, no blank line."""
    buffer = io.StringIO()
    with jsonlines.Writer(buffer, dumps=canonical_json) as writer:
        writer.write_all(rows)
    return buffer.getvalue().encode()


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a complete JSON-lines file.

    Raises:
        ChecksumError: If it cannot be read, or a line is not a JSON object; names file and line.
    """
    return list(iter_lines(path))


def iter_lines(path: Path) -> Iterator[dict[str, Any]]:
    """As `read_lines`, one row after the other: for files that memory may not hold.

    Raises:
        ChecksumError: As `read_lines`, when it comes to the line.
    """
    _is_there(path)  # a missing one is told below
    try:
        with jsonlines.open(path) as reader:
            yield from reader.iter(type=dict)
    except jsonlines.InvalidLineError as error:
        raise ChecksumError(
            f"{path}:{error.lineno}: not a JSON object; the file was damaged or edited: restore it"
        ) from error
    except UnicodeDecodeError as error:
        raise ChecksumError(
            f"{path}: not UTF-8 text; the file was damaged or edited: restore it"
        ) from error
    except RecursionError as error:
        raise ChecksumError(
            f"{path}: a line is nested too deeply; the file was damaged or edited: restore it"
        ) from error
    except OSError as error:
        raise ChecksumError(f"{path}: cannot be read ({error.strerror}); restore it") from error


def _is_there(path: Path) -> bool:
    """Whether there is a file to read; anything else may never end, and is refused."""
    if path.is_file():
        return True
    if path.exists():
        raise ChecksumError(f"{path}: is no regular file; remove it, or restore the file")
    return False


def read_records(path: Path, kind: type[Row]) -> list[Row]:
    """The records of a complete part file, or [] if there is no such file.

    Raises:
        ChecksumError: If a line is no such record (names file and line), or `path` no file.
    """
    if not _is_there(path):
        return []
    records = []
    for number, row in enumerate(read_lines(path), start=1):
        try:
            records.append(kind.from_json(row))
        except (ValueError, TypeError, KeyError) as error:
            raise ChecksumError(f"{path}:{number}: {error}") from error
    return records


def read_appended(path: Path, kind: type[Row]) -> list[Row]:
    """The records of an append-only file without its torn last line, which stays there.

    For those who only look: whoever appends repairs the file (`repair_tail`).

    Raises:
        ChecksumError: If a whole line is no such record (names file and line), or `path` no file.
    """
    if not _is_there(path):
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    records = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("not a JSON object")
            records.append(kind.from_json(row))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ChecksumError(f"{path}:{number}: {error}") from error
    return records


def write_records(path: Path, records: Iterable[JsonRow]) -> None:
    """Replace `path` atomically by the records, one a line."""
    write_atomically(path, encode_lines(record.to_json() for record in records))


def repair_tail(path: Path) -> int:
    """Cut off a torn last line; returns how many bytes were cut (0: the file was whole).

    Raises:
        ChecksumError: If `path` is no file.
    """
    if not _is_there(path):
        return 0
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    torn = len(content) - whole
    if torn:
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())
        logger.warning("%s: cut off a torn last line of %d bytes", path, torn)
    return torn


def append_records(path: Path, records: Sequence[JsonRow]) -> None:
    """Append whole lines and make them durable.

    Raises:
        StorageError: If the disk is full; a torn line is repaired at the next opening.
    """
    with storage_errors(path):
        new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(encode_lines(record.to_json() for record in records))
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(path.parent)


@dataclass(frozen=True)
class DoneMarker:
    """What a finished shard was made under, and what it holds.

    Attributes:
        stage: Such as "generate" or "embed/starter".
        part: Number of the shard.
        fingerprint: Digest of everything the result depends on.
        counts: Totals of this shard.
        digest: SHA-256 of the part file it commits.
        by_concept: Concept slug to totals of its images in this shard; empty where a stage does
            not count by concept.
    """

    stage: str
    part: int
    fingerprint: str
    counts: Mapping[str, int]
    digest: str
    by_concept: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def encode_marker(marker: DoneMarker) -> bytes:
    """The bytes of a done-marker's file."""
    return (canonical_json(asdict(marker)) + "\n").encode()


def write_marker(workspace: Workspace, marker: DoneMarker) -> None:
    """Commit a shard."""
    write_atomically(workspace.done(marker.stage, marker.part), encode_marker(marker))


def read_marker(workspace: Workspace, stage: str, part: int) -> DoneMarker | None:
    """The marker of a shard, or None if the shard is not finished.

    Raises:
        ChecksumError: If it is damaged.
    """
    path = workspace.done(stage, part)
    if not path.exists():
        return None
    try:
        (row,) = read_lines(path)
        marker = DoneMarker(**row)
        texts = (marker.stage, marker.fingerprint, marker.digest)
        if (marker.stage, marker.part) != (stage, part) or not all(
            isinstance(text, str) for text in texts
        ):
            raise ValueError("it speaks of another shard")
    except (ChecksumError, TypeError, ValueError) as error:
        raise ChecksumError(
            f"{path}: a damaged done-marker; delete it and run again: its shard is then checked"
        ) from error
    return marker


def is_whole(path: Path, marker: DoneMarker) -> bool:
    """Whether a committed part is there with the bytes that its marker commits."""
    return path.is_file() and file_sha256(path) == marker.digest


def modified_ns(path: Path) -> int | None:
    """When a file was last written, in ns; None if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def check_part(path: Path, marker: DoneMarker, since: int | None = None) -> None:
    """Compare a committed part with its marker.

    Args:
        path: The part.
        marker: Its done-marker.
        since: When the marker was written, in ns (`modified_ns`). A part that was last written
            before counts as whole without being read: git tells changed files in the same way.
            A byte that flipped on the disk without a write is not seen then; `release verify`
            reads everything.

    Raises:
        ChecksumError: If it is missing, or the bytes differ from those committed.
    """
    written = modified_ns(path)
    if written is not None and since is not None and written < since:
        return
    if not is_whole(path, marker):
        what = "bytes differ from those committed" if path.exists() else "is missing"
        raise ChecksumError(
            f"{path}: {what}; restore it, or delete it and done/{marker.stage} and run again"
        )
