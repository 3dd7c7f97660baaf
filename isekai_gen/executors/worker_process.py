"""The body of a worker process: take parts from a pipe, work on them, end with the parent."""

from __future__ import annotations

import ctypes
import logging
import os
import pickle
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection

from isekai_gen.errors import IsekaiGenError
from isekai_gen.executors.contract import Stopped, Worker, WorkerError

STOP = "stop"
_PR_SET_PDEATHSIG = 1


@dataclass
class _Pipe:
    """`Control` over the pipe to the parent."""

    connection: Connection

    def check(self) -> None:
        try:
            if self.connection.poll() and self.connection.recv() == STOP:
                raise Stopped
        except (EOFError, OSError):
            os._exit(1)

    def advance(self, images: int) -> None:
        self.connection.send(("advance", images))


def _end_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _portable(error: BaseException) -> IsekaiGenError:
    """An error that survives the way to the parent."""
    if isinstance(error, IsekaiGenError):
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes, just written
            return error
        except Exception:
            return WorkerError(str(error), traceback.format_exc())
    return WorkerError(
        f"a worker failed: {type(error).__name__}: {error}; finished work is safe: "
        "run again to continue, or with --debug to see where",
        "".join(traceback.format_exception(error)),
    )


def worker_main(worker: Worker, device_name: str, connection: Connection, parent: int) -> None:
    """Body of a worker process: take parts from the pipe until told to stop."""
    # Ctrl-C reaches the whole terminal group; only the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent(parent)
    # What concerns the user goes through the pipe, not into the middle of a progress bar.
    logging.getLogger("isekai_gen").addHandler(logging.NullHandler())
    control = _Pipe(connection)
    try:
        work_on = worker.setup(device_name)
        connection.send(("ready", None))
        while (part := connection.recv()) != STOP:
            connection.send(("done", work_on(part, control)))
    except (Stopped, EOFError, BrokenPipeError):
        return
    except BaseException as error:
        connection.send(("error", _portable(error)))
