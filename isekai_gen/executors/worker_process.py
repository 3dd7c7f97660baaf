"""The body of a worker process: take parts from a pipe, work on them, end with the parent."""

from __future__ import annotations

import ctypes
import logging
import os
import pickle
import signal
import sys
import threading
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from isekai_gen.errors import IsekaiGenError
from isekai_gen.executors.contract import Stopped, Worker, WorkerError

STOP = "stop"
_PR_SET_PDEATHSIG = 1


@dataclass
class _Pipe:
    """`Control` over the pipe to the parent; the locks let several threads use it."""

    connection: Connection
    stopping: bool = False
    reading: threading.Lock = field(default_factory=threading.Lock)
    writing: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        with self.reading:
            try:
                if not self.stopping and self.connection.poll():
                    self.stopping = self.connection.recv() == STOP
            except (EOFError, OSError):
                os._exit(1)
            if self.stopping:
                raise Stopped

    def advance(self, images: int, failed: int = 0) -> None:
        self.tell("advance", (images, failed))

    def tell(self, kind: str, value: object) -> None:
        """Send one message to the parent."""
        with self.writing:
            self.connection.send((kind, value))


def _end_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def see_only(device_name: str) -> str:
    """Hide all GPUs but one from this process, before anything touches CUDA.

    So no library's "current device" is ever another worker's GPU, and a worker sees the same here
    as on a Ray actor.

    Returns:
        The device's name as this process sees it: "cuda:0" for any GPU, "cpu" for the CPU.
    """
    kind, _, number = device_name.partition(":")
    index = int(number or 0)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [name.strip() for name in visible.split(",")] if visible else None
    if kind != "cuda" or (names is not None and index >= len(names)):
        return device_name  # whoever opens a GPU that is not there says so
    os.environ["CUDA_VISIBLE_DEVICES"] = names[index] if names else str(index)
    return "cuda:0"


def portable_error(error: BaseException) -> IsekaiGenError:
    """An error that survives the way to another process."""
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
    # Ctrl-C reaches the whole terminal group, and a cluster's scheduler ends every process of a
    # job with SIGTERM; only the parent decides what they mean.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_with_parent(parent)
    # What concerns the user goes through the pipe, not into the middle of a progress bar.
    logging.getLogger("isekai_gen").addHandler(logging.NullHandler())
    control = _Pipe(connection)
    try:
        work_on = worker.setup(see_only(device_name))
        control.tell("ready", None)
        while (part := connection.recv()) != STOP:
            control.tell("done", work_on(part, control))
    except (Stopped, EOFError, BrokenPipeError):
        return
    except BaseException as error:
        control.tell("error", portable_error(error))
