"""Run shards on a Ray cluster: the driver's side.

Shards are handed out one at a time. Ray only starts actors and says when one is lost; a lost one,
by whatever fault of its process or node, is replaced, and its shard done by another worker.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from isekai_gen.errors import WorkspaceError
from isekai_gen.executors.contract import (
    SECONDS_TO_STOP,
    EngineChoice,
    OnProgress,
    ShardResult,
    Worker,
    WorkerError,
)
from isekai_gen.executors.ray_cluster import (
    SECONDS_FOR_ROOM,
    cannot_run,
    connect,
    resources,
    worker_environment,
)
from isekai_gen.executors.ray_worker import LINE, Progress, Reply, ShardActor, code_digest
from isekai_gen.executors.shard_queue import ShardQueue

_SECONDS_BETWEEN_POLLS = 0.5
_NO_ROOM = (
    "no node of the Ray cluster has had room for a worker for {minutes:.0f} minutes; see "
    "`ray status`; finished work is safe: run again to continue"
)


def worker_count(engine: EngineChoice, device: str, parts: int) -> int:
    """Actors for so many parts: what was asked for, else what the cluster has room for."""
    if engine.workers is None:
        there = connect(engine).cluster_resources()
        room = int(there.get("CPU", 0)) - 1 if device == "cpu" else int(there.get("GPU", 0))
    else:
        room = engine.workers
    return max(1, min(room, parts))


@dataclass(eq=False)
class _Seat:
    """One actor, as the driver knows it.

    Attributes:
        actor: Ray's name for it.
        label: Node and device; "" until it is ready.
        part: The shard it has in hand.
        polled: Whether it owes the answer to a poll.
    """

    actor: Any
    label: str = ""
    part: int | None = None
    polled: bool = False


@dataclass
class _RayPool:
    """Running actors and what is left to hand out."""

    ray: Any
    worker: Worker
    device: str
    queue: ShardQueue
    seats: list[_Seat] = field(default_factory=list)
    # Every answer that is due: whose, and whether to a poll.
    due: dict[Any, tuple[_Seat, bool]] = field(default_factory=dict)
    alive_at: float = field(default_factory=time.monotonic)

    def start(self) -> None:
        kind = self.ray.remote(concurrency_groups={LINE: 1})(ShardActor)
        actor = kind.options(
            max_restarts=0,
            scheduling_strategy="SPREAD",
            runtime_env=worker_environment(self.device),
            **resources(self.device),
        ).remote()
        seat = _Seat(actor)
        self.seats.append(seat)
        self.due[actor.setup.remote(self.worker, self.device)] = (seat, False)

    def run(self) -> None:
        """Hand out parts and take answers until every part is done."""
        next_poll = 0.0
        while not self.queue.finished:
            now = time.monotonic()
            if now >= next_poll:
                next_poll = now + _SECONDS_BETWEEN_POLLS
                self._poll()
            ready, _ = self.ray.wait(list(self.due), timeout=max(0.0, next_poll - now))
            for ref in ready:
                self._take(ref)
            if time.monotonic() - self.alive_at > SECONDS_FOR_ROOM:
                raise WorkerError(_NO_ROOM.format(minutes=SECONDS_FOR_ROOM / 60))

    def _poll(self) -> None:
        for seat in self.seats:
            if not seat.polled:
                seat.polled = True
                self.due[seat.actor.poll.options(concurrency_group=LINE).remote()] = (seat, True)

    def _take(self, ref: Any) -> None:  # noqa: ANN401 - Ray's reference to an answer
        seat, of_poll = self.due.pop(ref)
        if seat not in self.seats:
            return  # an answer of an actor that is lost
        try:
            value = self.ray.get(ref)
        except self.ray.exceptions.RayTaskError as error:
            raise cannot_run(error) from error
        except self.ray.exceptions.RayError as error:
            self._lost(seat, error)
            return
        self.alive_at = time.monotonic()
        if of_poll:
            seat.polled = False
            self._count(seat, value)
        else:
            self._reply(seat, value)

    def _count(self, seat: _Seat, done: Progress | None) -> None:
        if done is not None:
            self.queue.advance(done.part, done.images, done.failed, seat.label)

    def _reply(self, seat: _Seat, reply: Reply) -> None:
        if reply.kind == "error":
            raise reply.value
        if reply.kind == "ready":
            if reply.value.code != code_digest():
                raise WorkspaceError(
                    f"{reply.value.label} has another isekai-gen than this machine, and could "
                    "draw other pixels; install the same on every node"
                )
            seat.label = reply.value.label
            self.queue.started(self.device)
        elif reply.kind == "done":
            self._count(seat, reply.progress)
            self.queue.finish(reply.value)
            seat.part = None
        self._hand_out()

    def _hand_out(self) -> None:
        """Give every idle worker a shard while any waits."""
        for seat in self.seats:
            if seat.label and seat.part is None and (part := self.queue.take()) is not None:
                seat.part = part
                self.due[seat.actor.work.remote(part)] = (seat, False)

    def _lost(self, seat: _Seat, error: Exception) -> None:
        """Replace an actor, and have its shard done by another."""
        self.seats.remove(seat)
        # Ray may only have lost sight of it: nobody else may get its shard while it lives.
        self.ray.kill(seat.actor)
        how = self._how_lost(seat, error)
        if seat.part is not None:
            self.queue.give_back(seat.part, how)
        elif not seat.label:
            self.queue.start_failed(self.device, how)
        self.start()
        self._hand_out()

    def _how_lost(self, seat: _Seat, error: Exception) -> str:
        """What became of an actor, in a few words; Ray's own are a page.

        Raises:
            WorkerError: If it could not even begin, for want of this package.
        """
        text = str(error)
        who = f"the worker on {seat.label}" if seat.label else "a worker"
        if "No module named 'isekai_gen'" in text:
            raise cannot_run(error) from error
        if isinstance(error, self.ray.exceptions.OutOfMemoryError):
            return f"{who} was ended by Ray for want of memory"
        if "its node has died" in text:
            return f"{who} was lost with its node"
        return f"{who} ended or was killed, perhaps for want of memory"

    def stop(self) -> None:
        """Let actors finish the write in hand, then end them; none is left, whatever happens."""
        working = [
            ref for ref, (seat, poll) in self.due.items() if seat.part is not None and not poll
        ]
        try:
            for seat in self.seats:
                seat.actor.stop.options(concurrency_group=LINE).remote()
            if working:
                self.ray.wait(working, num_returns=len(working), timeout=SECONDS_TO_STOP)
        finally:
            for seat in self.seats:
                self.ray.kill(seat.actor)


def run_on_ray(
    worker: Worker,
    parts: Sequence[int],
    device: str,
    on_progress: OnProgress,
    engine: EngineChoice,
) -> list[ShardResult]:
    """Have actors of a Ray cluster work on every part; see `run_shards`."""
    if not parts:
        return []
    pool = _RayPool(connect(engine), worker, device, ShardQueue(parts, on_progress))
    try:
        for _ in range(worker_count(engine, device, len(parts))):
            pool.start()
        pool.run()
    finally:
        pool.stop()
    return pool.queue.results()
