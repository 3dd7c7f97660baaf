"""Which engine runs shards: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from isekai_gen.executors.contract import LOCAL, EngineChoice, OnProgress, ShardResult, Worker
from isekai_gen.executors.local import run_locally
from isekai_gen.executors.ray_engine import run_on_ray
from isekai_gen.executors.ray_nodes import ask_nodes

Answer = TypeVar("Answer")


def run_shards(
    worker: Worker,
    parts: Sequence[int],
    devices: Sequence[str],
    on_progress: OnProgress,
    engine: EngineChoice = LOCAL,
) -> list[ShardResult]:
    """Have workers work on every part.

    A worker that is killed, crashes or is lost with its node is replaced, and its shard is done
    by another, at most twice for the same shard.

    Args:
        worker: What to do; picklable.
        parts: Numbers of the shards, handed out in this order.
        devices: Such as ["cuda:0", "cuda:1"] or ["cpu"]; for Ray the one kind of all its workers.
        on_progress: Called in this process with what was done since the last call.
        engine: Where the workers run.

    Returns:
        The results in the order of `parts`.

    Raises:
        IsekaiGenError: The first one that a worker raised, after the others stopped.
        WorkerError: If a worker failed otherwise, or workers were lost again and again.
        MissingDependencyError: If the engine is Ray and Ray is not installed.
        KeyboardInterrupt: After the workers stopped cleanly; at once if it comes again.
    """
    if engine.name == "ray":
        return run_on_ray(worker, parts, _only(devices), on_progress, engine)
    return run_locally(worker, parts, devices, on_progress)


def ask_workers(
    question: Callable[[str], Answer], devices: Sequence[str], engine: EngineChoice = LOCAL
) -> list[Answer]:
    """Answers of the places where workers would run, such as what versions they have.

    Args:
        question: Picklable; gets a device's name, and is called in this process for each device
            of this machine, or in a process of each node of the Ray cluster.
        devices: As for `run_shards`.
        engine: Where the workers would run.

    Raises:
        IsekaiGenError: The first one that `question` raised.
        WorkerError: If no node of the cluster answered.
    """
    if engine.name == "ray":
        return ask_nodes(question, _only(devices), engine)
    return [question(device) for device in devices]


def _only(devices: Sequence[str]) -> str:
    if len(devices) != 1:
        raise ValueError(f"all workers of a Ray cluster have one kind of device, got {devices}")
    return devices[0]
