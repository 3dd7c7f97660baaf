"""Episodes on disk: JSON lines, and beside them a summary that says how they were made."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from isekai_gen.errors import ManifestError
from isekai_gen.hashing import canonical_json
from isekai_gen.manifests.episode_mix import OtherLine
from isekai_gen.records import Episode
from isekai_gen.records.base import SCHEMA
from isekai_gen.shards import encode_lines
from isekai_gen.storage import streamed_file, write_atomically

_LINES_AT_ONCE = 500
# Keys that only a line of ours has: an episode's, and another task's.
_OWN_KEYS = ({"support", "query"}, {"row", "source_line"})
_LONGEST_LINE = 1 << 24


class EpisodeLines(Protocol):
    """Lines of a file, each found by its number."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Episode | OtherLine: ...


@dataclass(frozen=True)
class WrittenEpisodes:
    """What came into a file; lines = episodes + others.

    Attributes:
        path: The file.
        sha256: Of its bytes.
        lines: All of them.
        episodes: Lines that are episodes.
        others: Lines of other tasks.
        shots: Shots per label to the episodes that have them.
        query_ways: Way of the query (0: the positive class) to episodes.
    """

    path: Path
    sha256: str
    lines: int
    episodes: int
    others: int
    shots: dict[int, int]
    query_ways: dict[int, int]


def summary_path(path: Path) -> Path:
    """Where the summary of an episodes file lies: x.summary.json beside x.jsonl."""
    return path.with_name(f"{path.stem}.summary.json")


def require_own_file(path: Path, read: Iterable[Path]) -> None:
    """Refuse to write where something else lies than episodes.

    Args:
        path: Of the file to write.
        read: Files that are read for it.

    Raises:
        ManifestError: If it is one of those, no regular file, or holds anything but episodes.
    """
    if not path.exists():
        return
    if any(each.exists() and path.samefile(each) for each in read):
        raise ManifestError(f"--out {path} is read, too; choose another file to write")
    if not path.is_file():
        raise ManifestError(f"--out {path} is no regular file; choose another")
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_LINE)
        row = json.loads(line) if line else dict.fromkeys(_OWN_KEYS[0])
    except OSError as error:
        raise ManifestError(f"--out {path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not any(own <= row.keys() for own in _OWN_KEYS):
        raise ManifestError(
            f"--out {path} holds something else than episodes; remove it, or choose another file"
        )


def write_episode_file(
    path: Path, lines: EpisodeLines, advance: Callable[[int], None]
) -> WrittenEpisodes:
    """Write a whole file, a few hundred lines in memory at a time.

    An older file is replaced when the new one is whole; its summary, which would speak of other
    lines, is removed just before.

    Args:
        path: Where.
        lines: What.
        advance: Is told how many lines were written.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    digest, counted = hashlib.sha256(), _Counted()
    with streamed_file(path) as temporary, temporary.open("wb") as file:
        for start in range(0, len(lines), _LINES_AT_ONCE):
            numbers = range(start, min(start + _LINES_AT_ONCE, len(lines)))
            block = b"".join(counted.encode(lines[number]) for number in numbers)
            digest.update(block)
            file.write(block)
            advance(len(numbers))
        summary_path(path).unlink(missing_ok=True)
    return WrittenEpisodes(
        path=path,
        sha256=digest.hexdigest(),
        lines=len(lines),
        episodes=counted.episodes,
        others=len(lines) - counted.episodes,
        shots=dict(sorted(counted.shots.items())),
        query_ways=dict(sorted(counted.query_ways.items())),
    )


def write_summary(written: WrittenEpisodes, made_from: dict[str, Any]) -> Path:
    """Write the summary of an episodes file and return its path.

    Args:
        written: The file.
        made_from: Plan and source, by which the same file can be made again.

    Raises:
        StorageError: If the disk is full or read-only.
    """
    row = {
        "schema": SCHEMA,
        "file": written.path.name,
        "sha256": written.sha256,
        "lines": written.lines,
        "episodes": written.episodes,
        "others": written.others,
        "shots": {str(shots): count for shots, count in written.shots.items()},
        "query_ways": {str(way): count for way, count in written.query_ways.items()},
        **made_from,
    }
    path = summary_path(written.path)
    write_atomically(path, (canonical_json(row) + "\n").encode())
    return path


class _Counted:
    """Encodes lines, and counts what is in them."""

    def __init__(self) -> None:
        self.episodes = 0
        self.shots: Counter[int] = Counter()
        self.query_ways: Counter[int] = Counter()

    def encode(self, line: Episode | OtherLine) -> bytes:
        if isinstance(line, OtherLine):
            return line.encode()
        self.episodes += 1
        self.shots[len(line.support) // len(line.labels)] += 1
        self.query_ways[line.labels.index(line.query.label)] += 1
        return encode_lines([line.to_json()])
