"""Run shards in workers: processes of this machine (`local`) or actors of a Ray cluster (`ray`).

On this machine there is one worker per GPU, or one single-threaded worker per CPU core. A worker
holds nothing but a line to whoever runs it, through which it is given parts and tells how far it
is. It ends when that one is gone, so that a later run never meets an orphan that still writes.
A worker that is lost is replaced and its shard done by another; an error that a worker raises stops
the others and is raised to the caller. What a worker commits is its own affair (see `shards`).
"""

from isekai_gen.executors.contract import (
    LOCAL,
    Control,
    EngineChoice,
    OnProgress,
    ShardResult,
    Stopped,
    Worker,
    WorkerError,
    WorkOnShard,
)
from isekai_gen.executors.engines import ask_workers, run_shards
from isekai_gen.executors.local import cpu_worker_count, worker_devices
from isekai_gen.executors.ray_cluster import cluster_devices

__all__ = [
    "LOCAL",
    "Control",
    "EngineChoice",
    "OnProgress",
    "ShardResult",
    "Stopped",
    "WorkOnShard",
    "Worker",
    "WorkerError",
    "ask_workers",
    "cluster_devices",
    "cpu_worker_count",
    "run_shards",
    "worker_devices",
]
