"""Run shards on this machine: one process per GPU, or one per CPU core."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import cast

from isekai_gen.executors.contract import ShardResult, Worker, WorkerError
from isekai_gen.executors.worker_process import STOP, worker_main

# More single-threaded workers than this cost more memory than they bring.
MAX_CPU_WORKERS = 8
# A micro-batch on a slow machine may take this long; a worker that is stuck is ended after it.
_SECONDS_TO_STOP = 120.0


def cpu_worker_count(parts: int) -> int:
    """Single-threaded workers for so many parts on the CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(MAX_CPU_WORKERS, cores, parts))


def worker_devices(devices: Sequence[str], parts: int) -> list[str]:
    """Device of each worker: every GPU once, the CPU once per core, never more than parts."""
    names: list[str] = []
    for device in devices:
        names += [device] * (cpu_worker_count(parts) if device == "cpu" else 1)
    return names[:parts]


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start workers with Ctrl-C blocked: they inherit that until they ignore it themselves."""
    old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


@dataclass
class _Pool:
    """The parent's side: running workers and what is left to hand out."""

    waiting: list[int]
    on_progress: Callable[[int], None]
    workers: dict[Connection, SpawnProcess] = field(default_factory=dict)
    loading: set[Connection] = field(default_factory=set)
    results: dict[int, ShardResult] = field(default_factory=dict)

    def start(self, worker: Worker, devices: Sequence[str]) -> None:
        context = multiprocessing.get_context("spawn")
        with _interrupts_held():
            for number, device in enumerate(devices):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=worker_main,
                    args=(worker, device, theirs, os.getpid()),
                    name=f"isekai-gen worker {number} ({device})",
                    daemon=True,
                )
                process.start()
                theirs.close()
                self.workers[ours] = process
                self.loading.add(ours)

    def run(self) -> None:
        """Hand out parts and take messages until every worker has ended."""
        while self.workers:
            for ready in wait(list(self.workers)):
                self._take(cast(Connection, ready))

    def _take(self, connection: Connection) -> None:
        try:
            kind, value = connection.recv()
        except (EOFError, OSError):
            self._ended(connection)
            return
        if kind == "advance":
            self.on_progress(value)
        elif kind == "error":
            raise value
        else:
            self.loading.discard(connection)
            if kind == "done":
                self.results[value.part] = value
            connection.send(self.waiting.pop(0) if self.waiting else STOP)

    def _ended(self, connection: Connection) -> None:
        process = self.workers.pop(connection)
        connection.close()
        process.join()
        if process.exitcode:
            raise WorkerError(
                f"{process.name} ended with exit code {process.exitcode}"
                + (" (killed, perhaps for want of memory)" if process.exitcode == -9 else "")
                + "; finished work is safe: run again to continue"
            )

    def stop(self) -> None:
        """Let workers finish their micro-batch, then end them."""
        for connection, process in self.workers.items():
            if connection in self.loading:
                process.kill()  # it has nothing in hand yet, and loading may take long
            try:
                connection.send(STOP)
            except OSError:
                continue  # it has ended by itself
        for connection, process in self.workers.items():
            self._drain(connection, process)
            if process.is_alive():
                process.kill()
            process.join()
            connection.close()
        self.workers.clear()

    def _drain(self, connection: Connection, process: SpawnProcess) -> None:
        """Read what a stopping worker still says, so that it never blocks on a full pipe."""
        try:
            while wait([connection, process.sentinel], _SECONDS_TO_STOP):
                if not connection.poll():
                    return
                connection.recv()
        except (EOFError, OSError):
            process.join(_SECONDS_TO_STOP)


def run_shards(
    worker: Worker,
    parts: Sequence[int],
    devices: Sequence[str],
    on_progress: Callable[[int], None],
) -> list[ShardResult]:
    """Have worker processes work on every part.

    Args:
        worker: What to do; picklable.
        parts: Numbers of the shards, handed out in this order.
        devices: Such as ["cuda:0", "cuda:1"] or ["cpu"].
        on_progress: Called in this process with images done since the last call.

    Returns:
        The results in the order of `parts`.

    Raises:
        IsekaiGenError: The first one that a worker raised, after the others stopped.
        WorkerError: If a worker failed otherwise or was killed.
        KeyboardInterrupt: After the workers stopped cleanly.
    """
    pool = _Pool(list(parts), on_progress)
    try:
        pool.start(worker, worker_devices(devices, len(parts)))
        pool.run()
    finally:
        pool.stop()
    return [pool.results[part] for part in parts]
