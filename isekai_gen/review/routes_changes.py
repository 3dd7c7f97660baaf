"""Waiting for another version of what the page shows.

Decisions and answers come from this server, and from other processes that write the same files;
commands that judge images anew change what is shown, too.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from starlette.concurrency import run_in_threadpool

from isekai_gen.review.source import ReviewSource

_LOOK_EVERY = 0.5
"""Seconds between two looks; what is said on this server is told at once."""


class Versions:
    """Who waits for another version.

    Args:
        source: Knows it.
    """

    def __init__(self, source: ReviewSource) -> None:
        self._source = source
        self._changed = asyncio.Event()
        self._closed = False

    async def other_than(self, known: str, seconds: float) -> str:
        """The version as soon as it is another one, or after some time the same."""
        end = monotonic() + seconds
        while True:
            changed = self._changed
            version = await run_in_threadpool(self._source.version)
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
