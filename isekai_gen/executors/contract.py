"""What workers and those who run them agree on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from isekai_gen.errors import IsekaiGenError


class WorkerError(IsekaiGenError):
    """A worker ended by a fault that is not the user's; finished work is safe.

    Attributes:
        details: The worker's traceback, or "".
    """

    exit_code = 3

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message, details)
        self.details = details

    def __str__(self) -> str:
        return str(self.args[0])


class Stopped(Exception):
    """Raised inside a worker that was asked to stop."""


@dataclass(frozen=True)
class ShardResult:
    """What a worker says of a finished shard.

    Attributes:
        part: Number of the shard.
        counts: Totals, such as {"generated": 64, "failed": 0}.
        messages: What the user should know ("restored a damaged image ...").
    """

    part: int
    counts: Mapping[str, int]
    messages: tuple[str, ...] = ()


class Control(Protocol):
    """A worker's line to its parent."""

    def check(self) -> None:
        """Call before each micro-batch and each commit; raises `Stopped` if asked to stop.

        Does not return if the parent is gone.
        """
        ...

    def advance(self, images: int) -> None:
        """Report images done."""
        ...


WorkOnShard = Callable[[int, Control], ShardResult]


class Worker(Protocol):
    """What to do with a shard; picklable."""

    def setup(self, device_name: str) -> WorkOnShard:
        """Load what is needed on the device; called once in each worker process."""
        ...
