"""What runs on the nodes of a Ray cluster: one shard worker as an actor, and single questions.

An actor works in one thread, always the same (the number of CPU threads is a property of the
thread), and answers the driver in another: how far it is, and that it should stop. An actor that
hears nothing from its driver for a minute ends itself, so that none works on for a driver that is
gone or has given its shard to another.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from isekai_gen.executors.contract import Stopped, Worker, WorkOnShard
from isekai_gen.executors.worker_process import portable_error

LINE = "line"
"""Concurrency group of the methods that must answer while the actor works."""
_SECONDS_OF_SILENCE = 60.0


@dataclass(frozen=True)
class Greeting:
    """Who a worker is.

    Attributes:
        label: Node and device, such as "node7 cuda:1".
        code: Digest of its isekai-gen.
    """

    label: str
    code: str


@dataclass(frozen=True)
class Progress:
    """What an actor did since it was last asked.

    Attributes:
        part: The shard it did it in: the answer to a poll may be read after that of the work.
        images: Images done.
        failed: Those of them that failed.
    """

    part: int
    images: int
    failed: int


@dataclass(frozen=True)
class Reply:
    """What an actor's work came to.

    Attributes:
        kind: "ready" with a `Greeting`, "done" with a `ShardResult`, "error" with an
            `IsekaiGenError`, or "stopped" with None.
        value: See `kind`.
        progress: What was not polled before.
    """

    kind: Literal["ready", "done", "error", "stopped"]
    value: Any
    progress: Progress | None = None


@cache
def code_digest() -> str:
    """SHA-256 over the source files of this package: other code may draw other pixels."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def answer(question: Callable[[str], object], device_name: str) -> tuple[str, Any]:
    """Answer a question on a node: ("answer", value), or ("error", what was raised)."""
    try:
        return "answer", question(device_name)
    except Exception as error:
        return "error", portable_error(error)


def _label(device_name: str) -> str:
    """Node and device: the GPU by its number on the node, not by the "cuda:0" it is in here."""
    import ray

    numbers = ray.get_gpu_ids()
    return f"{socket.gethostname()} {f'cuda:{numbers[0]}' if numbers else device_name}"


@dataclass
class _Line:
    """`Control` of an actor: what the driver asked for, and what it has not been told yet."""

    stopping: threading.Event = field(default_factory=threading.Event)
    heard: float = field(default_factory=time.monotonic)
    part: int = 0
    images: int = 0
    failed: int = 0
    counting: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        if time.monotonic() - self.heard > _SECONDS_OF_SILENCE:
            os._exit(1)
        if self.stopping.is_set():
            raise Stopped

    def advance(self, images: int, failed: int = 0) -> None:
        with self.counting:
            self.images += images
            self.failed += failed

    def begin(self, part: int) -> None:
        """Count for another shard from now on; what was counted before has been taken."""
        with self.counting:
            self.part, self.images, self.failed = part, 0, 0

    def take_progress(self) -> Progress | None:
        """What was counted since the last call; None if nothing was."""
        with self.counting:
            progress = Progress(self.part, self.images, self.failed)
            self.images = self.failed = 0
        return progress if progress.images else None


class ShardActor:
    """One worker; `poll` and `stop` are called in the group `LINE`, the rest in the default one."""

    def __init__(self) -> None:
        logging.getLogger("isekai_gen").addHandler(logging.NullHandler())
        self._line = _Line()
        self._work_on: WorkOnShard | None = None

    def setup(self, worker: Worker, device_name: str) -> Reply:
        """Load what is needed."""
        try:
            self._work_on = worker.setup(device_name)
        except Exception as error:
            return Reply("error", portable_error(error))
        return Reply("ready", Greeting(_label(device_name), code_digest()))

    def work(self, part: int) -> Reply:
        """Bring a shard to its end."""
        if self._work_on is None:
            raise RuntimeError("work before setup")
        self._line.begin(part)
        try:
            result = self._work_on(part, self._line)
        except Stopped:
            return Reply("stopped", None)
        except Exception as error:
            return Reply("error", portable_error(error))
        return Reply("done", result, self._line.take_progress())

    def poll(self) -> Progress | None:
        """What was done since the last poll; also a sign of life from the driver."""
        self._line.heard = time.monotonic()
        return self._line.take_progress()

    def stop(self) -> None:
        """Ask the work in hand to stop."""
        self._line.stopping.set()
