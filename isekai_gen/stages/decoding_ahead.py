"""Threads that read, decode and prepare pictures ahead of an encoder, in order.

Pillow lets other threads run while it decodes and resizes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from isekai_gen.cores import usable_cores
from isekai_gen.executors import worker_devices
from isekai_gen.stages.context import StageContext

# On a cluster the stage cannot know how many workers share a node's cores.
_THREADS_OF_A_RAY_WORKER = {"cpu": 1, "cuda": 8}


def decode_threads(context: StageContext, devices: Sequence[str], parts: int) -> int:
    """Threads that decode in each worker; together they fill the cores of this machine.

    Args:
        context: Whose engine counts.
        devices: Where workers run, as `StageContext.device_names` has them.
        parts: How many shards there are to do.
    """
    if context.engine.name == "ray":
        return _THREADS_OF_A_RAY_WORKER["cpu" if devices[0] == "cpu" else "cuda"]
    return max(1, usable_cores() // len(worker_devices(devices, parts)))


class Seen(Protocol):
    """What a thread made of one picture."""

    @property
    def opened(self) -> bool:
        """Whether it is a picture at all."""
        ...


Input = TypeVar("Input")
Found = TypeVar("Found", bound=Seen)


def batches_ahead(
    look: Callable[[Input], Found], inputs: Iterable[Input], threads: int, rows: int
) -> Generator[list[Found]]:
    """What `look` makes of each input, in their order, by batches for the encoder.

    Threads work ahead of the batch that is asked for by about one more. With the one that the
    caller still has, at most three batches and two pictures a thread are in memory. Close it
    (`contextlib.closing`) to end them early.

    Args:
        look: Called in a thread.
        inputs: Taken as threads come to need them.
        threads: How many.
        rows: Pictures of a batch that were opened; those between them that were not come on top.
    """
    batch: list[Found] = []
    opened = 0
    for found in _in_order(look, inputs, threads, ahead=rows + 2 * threads):
        batch.append(found)
        opened += found.opened
        if opened == rows:
            yield batch
            batch, opened = [], 0
    if batch:
        yield batch


def _in_order(
    look: Callable[[Input], Found], inputs: Iterable[Input], threads: int, ahead: int
) -> Generator[Found]:
    waiting: deque[Future[Found]] = deque()
    with ThreadPoolExecutor(threads, "isekai-gen picture reader") as pool:
        try:
            for one in inputs:
                waiting.append(pool.submit(look, one))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
