"""What workers and those who run them agree on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from isekai_gen.errors import IsekaiGenError

EngineName = Literal["local", "ray"]
# After being told to stop, a worker ends its denoising step and the write in hand. What takes
# longer (loading, compiling, a huge step on one CPU core) is ended; the next run does it again.
SECONDS_TO_STOP = 15.0


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
class EngineChoice:
    """Where workers run.

    Attributes:
        name: "local", processes on this machine, or "ray", actors on a Ray cluster.
        address: Of the Ray cluster, such as "auto" or "10.0.0.1:6379"; "" for the environment's
            RAY_ADDRESS, and without that for a cluster started on this machine.
        workers: Ray actors at most; None for one per GPU of the cluster, or, if it has none, one
            per CPU with one CPU left free.
    """

    name: EngineName = "local"
    address: str = ""
    workers: int | None = None


LOCAL = EngineChoice()


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


class OnProgress(Protocol):
    """Told of images done since the last call, in the process that asked for the work."""

    def __call__(self, images: int, failed: int = 0, device: str = "") -> None:
        """Count images.

        Args:
            images: Done, the failed ones included.
            failed: Those of them that failed.
            device: Which worker did them, such as "cuda:1" or "node7 cuda:1"; "" if it is all one.
        """
        ...


class Control(Protocol):
    """A worker's line to whoever runs it; may be used from several threads of the worker."""

    def check(self) -> None:
        """Call before each denoising step and each commit; raises `Stopped` if asked to stop.

        Does not return if the one who asked for the work is gone.
        """
        ...

    def advance(self, images: int, failed: int = 0) -> None:
        """Report images done, and how many of them failed."""
        ...


WorkOnShard = Callable[[int, Control], ShardResult]


class Worker(Protocol):
    """What to do with a shard; picklable."""

    def setup(self, device_name: str) -> WorkOnShard:
        """Load what is needed on the device; called once in each worker process.

        Args:
            device_name: "cpu", or "cuda:0": a worker sees no GPU but its own.
        """
        ...
