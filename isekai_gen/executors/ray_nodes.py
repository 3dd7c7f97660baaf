"""Ask the nodes of a Ray cluster what they are, before any of them gets work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from isekai_gen.executors.contract import EngineChoice, WorkerError
from isekai_gen.executors.ray_cluster import (
    SECONDS_FOR_ROOM,
    cannot_run,
    connect,
    resources,
    worker_environment,
)
from isekai_gen.executors.ray_worker import answer

Answer = TypeVar("Answer")
# A node whose GPUs are all taken by other jobs is not waited for longer than this.
_SECONDS_TO_ASK_EVERYONE = 60.0


def _places(ray: Any, device: str) -> list[dict[str, Any]]:  # noqa: ANN401 - the ray module
    """Options that put a task on each node that could have a worker; anywhere if none can yet."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    key = "CPU" if device == "cpu" else "GPU"
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get(key, 0) >= 1]
    return [
        {"scheduling_strategy": NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)}
        for node in nodes
    ] or [{}]


def ask_nodes(question: Callable[[str], Answer], device: str, engine: EngineChoice) -> list[Answer]:
    """Ask the same on every node that could have a worker.

    Args:
        question: Picklable; gets the device's name, and runs in a process of the cluster.
        device: "cpu" or "cuda:0".
        engine: The cluster.

    Returns:
        The answers. A node that is busy for a minute, or lost meanwhile, gives none.

    Raises:
        IsekaiGenError: The first one that `question` raised.
        WorkerError: If no node answered.
    """
    ray = connect(engine)
    task = ray.remote(answer)
    how = {"max_retries": 0, "runtime_env": worker_environment(device), **resources(device)}
    refs = [task.options(**how, **where).remote(question, device) for where in _places(ray, device)]
    answered, _ = ray.wait(refs, num_returns=len(refs), timeout=_SECONDS_TO_ASK_EVERYONE)
    if not answered:
        answered, _ = ray.wait(refs, num_returns=1, timeout=SECONDS_FOR_ROOM)
    for ref in set(refs) - set(answered):
        ray.cancel(ref, force=True)
    answers = [value for ref in answered for value in _read(ray, ref)]
    if not answers:
        raise WorkerError("no node of the Ray cluster answered; see `ray status`")
    return answers


def _read(ray: Any, ref: Any) -> list[Any]:  # noqa: ANN401 - the ray module, and its reference
    """One node's answer; none if the node was lost."""
    try:
        kind, value = ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        raise cannot_run(error) from error
    except ray.exceptions.RayError:
        return []
    if kind == "error":
        raise value
    return [value]
