"""How a stage tells what it does: notes and progress, shown by whoever called it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from isekai_gen.executors import OnProgress

Advance = OnProgress
"""Counts steps done: `advance(3)`; those of workers also say what failed and on which device."""
_SHOWN = 3


def first_few(words: Sequence[str], joint: str = ", ") -> str:
    """The first three of them joined, and how many more there are: a note is one line."""
    more = f"{joint}and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return joint.join(words[:_SHOWN]) + more


class Reporter(Protocol):
    """Receives what a stage has to say while it works."""

    def note(self, message: str) -> None:
        """One line for the user."""
        ...

    def task(self, title: str, total: int) -> AbstractContextManager[Advance]:
        """A task of `total` steps; the returned function counts steps done."""
        ...


class SilentReporter:
    """Keeps notes in a list and shows nothing.

    Attributes:
        notes: Everything noted so far.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Advance]:
        del title, total
        yield ignore_progress


def ignore_progress(images: int, failed: int = 0, device: str = "") -> None:
    """An `Advance` that nobody watches."""
    del images, failed, device
