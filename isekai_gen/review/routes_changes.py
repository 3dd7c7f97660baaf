"""The version of what the page shows, and waiting for another one.

Decisions come from this server, and from other processes that append to the same file.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic
from typing import Any

from starlette.concurrency import run_in_threadpool

from isekai_gen.review.source import ReviewSource

_LOOK_EVERY = 0.5
"""Seconds between two looks at the file; this server's own decisions are told at once."""


class Versions:
    """Knows the version without asking the source as long as the file is the same.

    Args:
        source: Says its version in its summary.
        decisions_file: Grows with each decision.
    """

    def __init__(self, source: ReviewSource, decisions_file: Path) -> None:
        self._source = source
        self._file = decisions_file
        self._seen: tuple[int, int, int] | None = None
        self._version: int | None = None
        self._changed = asyncio.Event()
        self._closed = False

    async def other_than(self, known: int, seconds: float) -> int:
        """The version as soon as it is another one, or after some time the same."""
        end = monotonic() + seconds
        while True:
            changed = self._changed
            version = await self._now()
            left = end - monotonic()
            if version != known or left <= 0 or self._closed:
                return version
            try:
                await asyncio.wait_for(changed.wait(), min(_LOOK_EVERY, left))
            except TimeoutError:
                continue

    def tell(self) -> None:
        """Wake all who wait: this server just recorded something."""
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Let all who wait go, now and from now on: the server ends."""
        self._closed = True
        self.tell()

    async def _now(self) -> int:
        seen = await run_in_threadpool(self._stamp)
        if self._version is None or seen != self._seen:
            summary: dict[str, Any] = await run_in_threadpool(self._source.summary)
            self._version, self._seen = int(summary["version"]), seen
        return self._version

    def _stamp(self) -> tuple[int, int, int]:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return (0, 0, 0)
        return (found.st_ino, found.st_size, found.st_mtime_ns)
