"""How far a task is: a bar on a terminal, plain lines elsewhere, with rate, time left, failures."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from isekai_gen.stages.reporting import Advance

# Long enough to even out micro-batches, short enough to notice that a GPU is gone.
_WINDOW_SECONDS = 60.0
_SECONDS_BETWEEN_LINES = 30.0
# A task that is over at once needs no lines.
_SECONDS_BEFORE_LINES = 2.0
# More devices than this are counted, not listed.
_DEVICES_LISTED = 8


@dataclass
class Pace:
    """Counts steps, and how fast they came lately.

    Attributes:
        total: Steps of the task.
        now: The clock, in seconds.
        done: Steps done.
        failed: Those of them that failed.
        by_device: Device to steps done; empty if workers do not say.
    """

    total: int
    now: Callable[[], float]
    done: int = 0
    failed: int = 0
    by_device: Counter[str] = field(default_factory=Counter)
    _recent: deque[tuple[float, int]] = field(default_factory=deque)

    def count(self, images: int, failed: int = 0, device: str = "") -> None:
        """Count steps done; see `OnProgress`."""
        self.done += images
        self.failed += failed
        if device:
            self.by_device[device] += images
        moment = self.now()
        self._recent.append((moment, self.done))
        while len(self._recent) > 2 and self._recent[1][0] < moment - _WINDOW_SECONDS:
            self._recent.popleft()

    def per_second(self) -> float | None:
        """Steps per second over the last minute, loading times left out; None if not known yet."""
        if not self._recent:
            return None
        since, before = self._recent[0]
        seconds = self.now() - since
        return (self.done - before) / seconds if seconds > 0 and self.done > before else None

    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate; None if not known yet."""
        rate = self.per_second()
        return (self.total - self.done) / rate if rate else None

    def line(self) -> str:
        """Everything but the title: "120 of 480, 9.4/s, 0:38 left, 2 failed (cuda:0 60, ...)"."""
        told = [f"{self.done} of {self.total}", *self.details()]
        return ", ".join(told) + self._devices()

    def details(self) -> list[str]:
        """Rate, time left and failures, as far as there is something to say."""
        rate, left = self.per_second(), self.seconds_left()
        told = []
        if rate is not None:
            told.append(f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min")
        if left:
            told.append(f"{clock(left)} left")
        if self.failed:
            told.append(f"{self.failed} failed")
        return told

    def _devices(self) -> str:
        """How much each device did, if there are several."""
        if len(self.by_device) < 2:
            return ""
        if len(self.by_device) > _DEVICES_LISTED:
            return f" (on {len(self.by_device)} devices)"
        shares = (f"{device} {count}" for device, count in sorted(self.by_device.items()))
        return f" ({', '.join(shares)})"


def clock(seconds: float) -> str:
    """Seconds as people read them: "0:38", "12:05", "3:07:00"."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Advance]:
    """A bar on the terminal while the task runs, and the line that it came to."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    pace = Pace(total, time.monotonic)
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total, said=pace.line())

        def advance(images: int, failed: int = 0, device: str = "") -> None:
            pace.count(images, failed, device)
            progress.update(task, completed=pace.done, said=pace.line())

        yield advance


@contextmanager
def progress_lines(title: str, total: int) -> Iterator[Advance]:
    """A line at every tenth of a task, at least every 30 s in a long one, and one at its end."""
    pace = Pace(total, time.monotonic)
    started = told_at = pace.now()
    told_tenth = 0

    def advance(images: int, failed: int = 0, device: str = "") -> None:
        nonlocal told_at, told_tenth
        pace.count(images, failed, device)
        now, tenth = pace.now(), 10 * pace.done // total
        due = tenth > told_tenth or now - told_at >= _SECONDS_BETWEEN_LINES
        if due and pace.done < total and now - started > _SECONDS_BEFORE_LINES:
            click.echo(f"{title}: {pace.line()}", err=True)
            told_at, told_tenth = now, tenth

    yield advance
    failed = f", {pace.failed} failed" if pace.failed else ""
    click.echo(f"{title}: {pace.done} in {pace.now() - started:.1f} s{failed}", err=True)
