"""What stages ask of the places where their workers run, and how a worker makes sure of its own.

Pixels depend on the machine that draws them, so it is the workers' reproducibility profile that
counts, never that of the process that hands out the work.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from isekai_gen.errors import StaleShardError, WorkspaceError
from isekai_gen.executors import LOCAL, EngineChoice, Worker, WorkOnShard, ask_workers
from isekai_gen.models.spec import Device
from isekai_gen.settings import GenerateSettings
from isekai_gen.stages.context import StageContext
from isekai_gen.workspace import lock_holder

# Network file systems show a new file to other machines after a while.
_SECONDS_TO_BE_SEEN = 60.0


def worker_profiles(
    devices: Sequence[str], dtype: str, engine: EngineChoice = LOCAL
) -> list[dict[str, str]]:
    """Reproducibility profile of each device of this machine, or of each node of the cluster.

    Args:
        devices: As `StageContext.device_names` has them.
        dtype: Number format; "auto" is resolved where the workers are.
        engine: Where the workers run.

    Raises:
        ModelError: If a device is not there.
    """
    return ask_workers(partial(_profile_on, dtype), devices, engine)


def _profile_on(dtype: str, device_name: str) -> dict[str, str]:
    from isekai_gen.models.profile import reproducibility_profile

    return reproducibility_profile(Device(device_name), dtype)


def common_profile(
    devices: Sequence[str], dtype: str, engine: EngineChoice = LOCAL
) -> dict[str, str]:
    """The one reproducibility profile of all workers.

    Raises:
        StaleShardError: If they differ, so that pixels would depend on the worker.
    """
    first, *others = worker_profiles(devices, dtype, engine)
    for other in others:
        if other != first:
            raise StaleShardError(
                f"the workers' machines differ ({_differences(first, other)}), and so would their "
                "pixels; name alike GPUs with --devices, or make the nodes alike"
            )
    return first


def settled_dtype(context: StageContext) -> GenerateSettings:
    """The settings of `generate` with "auto" replaced by what the workers' machines make of it.

    Only they know: the command itself may run on a node without a GPU.

    Raises:
        StaleShardError: If the machines differ.
    """
    settings = context.settings.generate
    if context.engine.name == "local" or not settings.dtype.startswith("auto"):
        return settings
    devices = context.device_names()
    if devices == ["cpu"]:
        return settings
    profile = common_profile(devices, settings.dtype, context.engine)
    return settings.model_copy(update={"dtype": profile["dtype"]})


def for_engine(worker: Worker, context: StageContext, profile: Mapping[str, str] | None) -> Worker:
    """The worker as the engine needs it: on other machines it first looks where it is.

    Args:
        worker: What to do.
        context: Of the stage, which holds the workspace's lock.
        profile: What `common_profile` said; machines that join later must have it too. None if
            results do not depend on the machine.
    """
    if context.engine.name == "local":
        return worker
    root = context.workspace.root.resolve()
    return _CarefulWorker(
        worker, root, lock_holder(root), None if profile is None else dict(profile)
    )


def seen_in_time(seen: Callable[[], bool]) -> bool:
    """Whether something that another machine wrote is seen here, at once or within a minute."""
    deadline = time.monotonic() + _SECONDS_TO_BE_SEEN
    while not seen():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.5)
    return True


@dataclass(frozen=True)
class _CarefulWorker:
    """A worker that makes sure of the machine it is on before it begins."""

    worker: Worker
    root: Path
    holder: str
    profile: Mapping[str, str] | None

    def setup(self, device_name: str) -> WorkOnShard:
        self._find_workspace()
        if self.profile is not None:
            self._compare_profile(self.profile, device_name)
        return self.worker.setup(device_name)

    def _compare_profile(self, wanted: Mapping[str, str], device_name: str) -> None:
        """Raise StaleShardError if this machine is not like the others."""
        found = _profile_on(wanted["dtype"], device_name)
        if found != wanted:
            raise StaleShardError(
                f"node {socket.gethostname()} differs from the others "
                f"({_differences(wanted, found)}), and so would its pixels; make the nodes alike"
            )

    def _find_workspace(self) -> None:
        """Raise WorkspaceError unless the lock of this very run is seen from here."""

        def is_locked() -> bool:
            return lock_holder(self.root) == self.holder

        if not is_locked() and not (self.root.is_dir() and seen_in_time(is_locked)):
            raise WorkspaceError(
                f"workspace {self.root} is not visible on node {socket.gethostname()}: no lock "
                f"of process {self.holder} there; put the workspace on storage that all nodes "
                "share, under the same path"
            )


def _differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """What differs between two profiles: "torch 2.11.0 and 2.12.0"."""
    return ", ".join(
        f"{name} {ours.get(name, 'none')} and {theirs.get(name, 'none')}"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    )


def drawing_profile(workers: Mapping[str, str], *, compiled: bool) -> dict[str, str]:
    """Everything outside the recipe that drawn pixels depend on.

    Args:
        workers: The profile of the machines that draw.
        compiled: Whether the networks are compiled there.
    """
    return {**workers, "compiled": str(compiled).lower()}
