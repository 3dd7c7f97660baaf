"""The Ray cluster: find it or start it, and say what a worker takes of it.

Ray is imported only when it is asked for. A cluster that is started here ends with this process,
has no dashboard and tells nobody of its use. The connection is made on first need and lasts until
the process ends.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from isekai_gen.errors import InputError
from isekai_gen.executors.contract import EngineChoice, WorkerError
from isekai_gen.optional import require

# Workers exchange nothing but shard numbers and counts: Ray's object store may be small.
_OBJECT_STORE_BYTES = 80 * 2**20
_SECONDS_TO_ANSWER = 5.0
SECONDS_FOR_ROOM = 900.0
"""How long nothing may run because the cluster has no room, or grows."""


def connect(engine: EngineChoice) -> Any:  # noqa: ANN401 - the ray module
    """The ray module, connected to the cluster that the engine names.

    Raises:
        MissingDependencyError: If Ray is not installed.
        InputError: If no cluster answers at the address.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = require("ray", "pip install 'isekai-gen[ray]'")
    if ray.is_initialized():
        return ray
    address = engine.address or os.environ.get("RAY_ADDRESS", "")
    with _own_signals():
        if address in ("", "local"):
            ray.init(
                address="local",
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level="ERROR",
            )
        else:
            _check_answers(address)
            try:
                ray.init(address=address, log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise InputError(_no_cluster(address, str(error).split("\n")[0])) from error
    return ray


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep our answer to SIGTERM: Ray puts in one of its own, which would skip stopping cleanly."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, ours)


def _check_answers(address: str) -> None:
    """Ray itself would wait for minutes at an address where nobody listens."""
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not port.isdigit():
        raise InputError(
            f"--ray-address {address!r} is not HOST:PORT or auto; run the command on a node of "
            "the cluster (`ray job submit` does that from elsewhere)"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise InputError(_no_cluster(address, str(error))) from error


def _no_cluster(address: str, why: str) -> str:
    return (
        f"no Ray cluster at {address!r} ({why}); start one with `ray start --head` and name it "
        "with --ray-address, or leave the address out to start one on this machine"
    )


def cluster_devices(engine: EngineChoice, wanted: Sequence[str]) -> list[str]:
    """The one device name that each Ray worker will work on: ["cuda:0"] or ["cpu"].

    Args:
        engine: The cluster.
        wanted: As given with --devices: nothing or "all" for GPUs if the cluster has any, "cuda"
            for GPUs even if none has joined yet, or "cpu".

    Raises:
        InputError: If single GPUs are named: the cluster hands them out.
    """
    names = set(wanted)
    if not names <= {"all", "cpu", "cuda"} or len(names) > 1:
        raise InputError(
            f"--devices {','.join(wanted)}: with --engine ray the cluster hands out the GPUs; use "
            "all, cuda or cpu, and --ray-workers for their number"
        )
    if names in ({"cpu"}, {"cuda"}):
        return ["cpu" if names == {"cpu"} else "cuda:0"]
    return ["cuda:0" if connect(engine).cluster_resources().get("GPU", 0) >= 1 else "cpu"]


def resources(device: str) -> dict[str, float]:
    """What a worker on such a device takes of its node."""
    return {"num_cpus": 1, "num_gpus": 0} if device == "cpu" else {"num_cpus": 1, "num_gpus": 1}


def worker_environment(device: str) -> dict[str, dict[str, str]]:
    """Ray's `runtime_env` of a worker: on the CPU one thread, as everywhere (pixels depend on it).

    Threads are also limited in the worker itself; libraries that start theirs early read these.
    """
    if device != "cpu":
        return {}
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {"env_vars": dict.fromkeys(names, "1")}


def cannot_run(error: Exception) -> WorkerError:
    """The error for a node on which our code fails before it begins.

    Args:
        error: Ray's, whose text is a page.
    """
    cause = str(getattr(error, "cause", None) or error).strip().splitlines()[-1]
    return WorkerError(
        f"a node of the Ray cluster cannot run isekai-gen: {cause}; install the same version, with "
        "all it needs, on every node",
        str(error),
    )
