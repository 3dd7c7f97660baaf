"""When the next request may be sent: an even rate, waits that a server asks for, growing waits."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MAX_BACKOFF_SECONDS = 60.0


class Pace:
    """Turns of requests, shared by all that are under way.

    One clock for all event loops, so that the rate is kept from one call to the next.
    """

    def __init__(self, requests_per_minute: float | None) -> None:
        self._spacing = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._next_start = 0.0
        self._held_until = 0.0

    async def turn(self) -> None:
        """Wait until one more request may be sent."""
        while True:
            now = time.monotonic()
            start = max(now, self._next_start, self._held_until)
            self._next_start = start + self._spacing
            await asyncio.sleep(start - now)
            if self._held_until <= time.monotonic():
                return  # else a hold came meanwhile, and this turn has lapsed

    def hold(self, seconds: float) -> None:
        """Let no request start for a while: a server that asks one to wait means all."""
        self._held_until = max(self._held_until, time.monotonic() + seconds)
        self._next_start = max(self._next_start, self._held_until)


def backoff_seconds(first: float, tries: int, chance: random.Random) -> float:
    """Wait after so many tries: doubling from `first` up to a minute, less up to half by chance.

    Chance keeps requests that failed together from coming back together.
    """
    return min(first * 2.0 ** (tries - 1), _MAX_BACKOFF_SECONDS) * chance.uniform(0.5, 1.0)


def retry_after_seconds(value: str | None) -> float | None:
    """The wait in a Retry-After header (RFC 9110, 10.2.3); None without a usable one."""
    if value is None:
        return None
    text = value.strip()
    if text.replace(".", "", 1).isdecimal() and len(text) <= 12:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (zoned - datetime.now(UTC)).total_seconds())
