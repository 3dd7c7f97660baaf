"""One worker at a time on a shard, wherever the workers run.

The workspace's lock ends with the command. On a cluster a worker may outlive a killed command for
a moment; by this hold it never writes beside the worker of the next command. The kernel (or, on
shared storage, its lock service) lets go when a worker ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from isekai_gen.errors import LockedError
from isekai_gen.storage import storage_errors

_SECONDS_TO_WAIT = 60.0
_SECONDS_BETWEEN = 0.2


@contextmanager
def hold_shard(plan_part: Path, check: Callable[[], None]) -> Iterator[None]:
    """Hold a shard by its plan part, which nobody replaces while shards are worked on.

    Args:
        plan_part: The file of the plan's part.
        check: Called while waiting; what it raises ends the wait.

    Raises:
        LockedError: If another worker still holds it after a minute.
    """
    with storage_errors(plan_part):
        descriptor = os.open(plan_part, os.O_RDWR)
    try:
        _wait_for(descriptor, plan_part, check)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, plan_part: Path, check: Callable[[], None]) -> None:
    until = time.monotonic() + _SECONDS_TO_WAIT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise LockedError(
                    f"another worker still works on {plan_part}; wait for it to end and run again"
                ) from None
        check()
        time.sleep(_SECONDS_BETWEEN)
