"""Run shards in worker processes: one per GPU, or one single-threaded worker per CPU core.

Workers are spawned and hold nothing of the parent but one pipe, through which they are given parts
and tell how far they are. A worker ends at once when its parent dies, so that a later run never
meets an orphan that still writes. One worker's error stops the others after their current
micro-batch and is raised in the parent. What a worker commits is its own affair (see `shards`).
"""

from isekai_gen.executors.contract import (
    Control,
    ShardResult,
    Stopped,
    Worker,
    WorkerError,
    WorkOnShard,
)
from isekai_gen.executors.local import cpu_worker_count, run_shards, worker_devices

__all__ = [
    "Control",
    "ShardResult",
    "Stopped",
    "WorkOnShard",
    "Worker",
    "WorkerError",
    "cpu_worker_count",
    "run_shards",
    "worker_devices",
]
