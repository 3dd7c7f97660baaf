"""Run shards on this machine: one process per GPU, or one per CPU core."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import cast

from isekai_gen.cores import usable_cores
from isekai_gen.executors.contract import (
    SECONDS_TO_STOP,
    OnProgress,
    ShardResult,
    Worker,
    WorkerError,
)
from isekai_gen.executors.shard_queue import ShardQueue
from isekai_gen.executors.worker_process import STOP, worker_main

# More single-threaded workers than this cost more memory than they bring.
MAX_CPU_WORKERS = 8


def cpu_worker_count(parts: int) -> int:
    """Single-threaded workers for so many parts on the CPU cores this process may use."""
    return max(1, min(MAX_CPU_WORKERS, usable_cores(), parts))


def worker_devices(devices: Sequence[str], parts: int) -> list[str]:
    """Device of each worker: every GPU once, the CPU once per core, never more than parts."""
    names: list[str] = []
    for device in devices:
        names += [device] * (cpu_worker_count(parts) if device == "cpu" else 1)
    return names[:parts]


@contextmanager
def _signals_held() -> Iterator[None]:
    """Start a worker with Ctrl-C and SIGTERM blocked: it inherits that until it ignores them."""
    old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


@dataclass
class _Seat:
    """One worker process, as its parent knows it.

    Attributes:
        process: The process.
        device: Where it works.
        loading: Whether it is not ready yet.
        part: The shard it has in hand.
    """

    process: SpawnProcess
    device: str
    loading: bool = True
    part: int | None = None

    def end(self) -> str:
        """Wait for a process that is ending, and say how it ended."""
        self.process.join()
        code = self.process.exitcode
        killed = " (killed, perhaps for want of memory)" if code == -signal.SIGKILL else ""
        return f"{self.process.name} ended with exit code {code}{killed}"


@dataclass
class _Pool:
    """The parent's side: running workers and what is left to hand out."""

    worker: Worker
    queue: ShardQueue
    seats: dict[Connection, _Seat] = field(default_factory=dict)
    started: int = 0

    def start(self, device: str) -> None:
        context = multiprocessing.get_context("spawn")
        with _signals_held():
            ours, theirs = context.Pipe()
            process = context.Process(
                target=worker_main,
                args=(self.worker, device, theirs, os.getpid()),
                name=f"isekai-gen worker {self.started} ({device})",
                daemon=True,
            )
            process.start()
            theirs.close()
            self.seats[ours] = _Seat(process, device)
        self.started += 1

    def run(self) -> None:
        """Hand out parts and take messages until every worker has ended."""
        while self.seats:
            for ready in wait(list(self.seats)):
                self._take(cast(Connection, ready))

    def _take(self, connection: Connection) -> None:
        seat = self.seats[connection]
        try:
            kind, value = connection.recv()
        except (EOFError, OSError):
            self._lost(connection)
            return
        if kind == "advance":
            self._advance(seat, *value)
        elif kind == "error":
            raise value
        else:
            if kind == "done":
                self.queue.finish(value)
            else:
                seat.loading = False
                self.queue.started(seat.device)
            seat.part = self.queue.take()
            self._send(connection, STOP if seat.part is None else seat.part)

    def _advance(self, seat: _Seat, images: int, failed: int) -> None:
        if seat.part is None:
            raise RuntimeError(f"{seat.process.name} reports images but has no shard")
        self.queue.advance(seat.part, images, failed, seat.device)

    def _send(self, connection: Connection, message: object) -> None:
        """Tell a worker something; one that has just ended is met at the next reading."""
        try:
            connection.send(message)
        except OSError:
            return

    def _lost(self, connection: Connection) -> None:
        """A worker ended: have its shard done by a fresh one, unless it had nothing to do."""
        seat = self.seats.pop(connection)
        connection.close()
        how = seat.end()
        if seat.part is not None:
            self.queue.give_back(seat.part, how)
        elif not seat.loading:
            return
        elif seat.process.exitcode is not None and seat.process.exitcode >= 0:
            raise WorkerError(f"{how} while it was starting; see its words above")
        else:
            self.queue.start_failed(seat.device, how)
        self.start(seat.device)

    def stop(self) -> None:
        """Let workers finish the write in hand, then end them; none is left, whatever happens."""
        try:
            for connection, seat in self.seats.items():
                if seat.loading:
                    seat.process.kill()  # it has nothing in hand yet, and loading may take long
                self._send(connection, STOP)
            deadline = time.monotonic() + SECONDS_TO_STOP
            for connection, seat in self.seats.items():
                _drain(connection, seat.process, deadline)
        finally:
            for connection, seat in self.seats.items():
                seat.process.kill()
                seat.process.join()
                connection.close()
            self.seats.clear()


def _drain(connection: Connection, process: SpawnProcess, deadline: float) -> None:
    """Read what a stopping worker still says, so that it never blocks on a full pipe."""

    def left() -> float:
        return max(0.0, deadline - time.monotonic())

    try:
        while wait([connection, process.sentinel], left()):
            if not connection.poll():
                return
            connection.recv()
    except (EOFError, OSError):
        process.join(left())


def run_locally(
    worker: Worker, parts: Sequence[int], devices: Sequence[str], on_progress: OnProgress
) -> list[ShardResult]:
    """Have worker processes of this machine work on every part; see `run_shards`."""
    pool = _Pool(worker, ShardQueue(parts, on_progress))
    try:
        for device in worker_devices(devices, len(parts)):
            pool.start(device)
        pool.run()
    finally:
        pool.stop()
    return pool.queue.results()
