"""release.json and SHA256SUMS: two lists of the same files that check each other.

release.json has size, SHA-256 and role of every file but itself and SHA256SUMS. SHA256SUMS has a
line for every file but itself, release.json included, and only one form (sorted, one digest and
two spaces a line), so that it can be compared byte for byte. Thus a changed byte shows:

* in any other file: against both lists;
* in release.json: against SHA256SUMS;
* in SHA256SUMS: against what the files on disk say it must be.

Whoever changes a file and both lists is not found out: that takes a signature.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from isekai_gen.errors import ReleaseError

INDEX_SCHEMA = 1


@dataclass(frozen=True)
class ListedFile:
    """A file as release.json lists it.

    Attributes:
        path: Relative to the release, with forward slashes.
        size: Bytes.
        sha256: 64 hex digits.
        role: What it is for.
    """

    path: str
    size: int
    sha256: str
    role: str


def files_as_json(listed: list[ListedFile]) -> list[dict[str, object]]:
    """The `files` of release.json."""
    # `asdict` would copy each value deeply.
    return [dict(vars(file)) for file in listed]


def sums_text(sha256_by_path: Mapping[str, str]) -> str:
    """The content of SHA256SUMS, as `sha256sum --check` reads it."""
    return "".join(f"{sha256_by_path[path]}  {path}\n" for path in sorted(sha256_by_path))


def release_date() -> str | None:
    """SOURCE_DATE_EPOCH as an ISO date, or None if it is unset: no clock enters a release.

    Raises:
        ReleaseError: If the variable is no number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return None
    try:
        return datetime.fromtimestamp(int(epoch), tz=UTC).date().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise ReleaseError(
            f"SOURCE_DATE_EPOCH is {epoch!r}, not a number of seconds; correct or unset it"
        ) from error
