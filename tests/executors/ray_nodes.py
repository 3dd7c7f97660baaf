"""A real Ray cluster on this machine: every node is a `ray start` of its own, and can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.small_jobs import environment

_RAY = Path(sys.executable).parent / "ray"
_PATIENCE_S = 120


def ray_environment() -> dict[str, str]:
    """For nodes and for commands that use them: nobody is told, no tokens in anybody's home."""
    ours = {key: value for key, value in environment().items() if not key.startswith("RAY_")}
    return {**ours, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}


class RayNodes:
    """A head and as many nodes as are added.

    Attributes:
        address: What `--ray-address` takes.
    """

    def __init__(self, cpus_of_head: int, variables: Mapping[str, str] | None = None) -> None:
        """Start the head.

        Args:
            cpus_of_head: Its CPUs.
            variables: Added to the environment of all nodes, and so of all workers.
        """
        self._environment = {**ray_environment(), **(variables or {})}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        # Sockets lie below it, and their paths must be short.
        self._folder = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
        self._nodes: list[subprocess.Popen] = []
        self._start(
            cpus_of_head,
            "--head",
            f"--port={port}",
            "--include-dashboard=false",
            f"--temp-dir={self._folder.name}",
        )
        wait_for(lambda: _listens(port), "the head never listened")

    def add_node(self, cpus: int) -> subprocess.Popen:
        """Start another node and wait until it has joined; its process leads a group."""
        before = len(self._raylets())
        node = self._start(cpus, f"--address={self.address}")
        wait_for(lambda: len(self._raylets()) > before, "the node never joined")
        return node

    def worker_pids(self) -> list[int]:
        """Actors."""
        return [pid for pid, line in self._processes() if line.startswith("ray::ShardActor")]

    def stop(self) -> None:
        for node in reversed(self._nodes):
            kill_group(node)
        self._folder.cleanup()

    def _start(self, cpus: int, *how: str) -> subprocess.Popen:
        common = ["--node-ip-address=127.0.0.1", "--num-gpus=0", "--object-store-memory=80000000"]
        node = subprocess.Popen(
            [_RAY, "start", *how, *common, f"--num-cpus={cpus}", "--block"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._nodes.append(node)
        return node

    def _raylets(self) -> list[int]:
        return [pid for pid, line in self._processes() if "raylet/raylet" in line]

    def _processes(self) -> list[tuple[int, str]]:
        """Processes of the sessions that the nodes lead, with their command lines."""
        sessions = {node.pid for node in self._nodes}
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(folder.name)) in sessions:
                    line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found.append((int(folder.name), line))
            except OSError:
                continue  # it has just ended
        return found


def kill_group(node: subprocess.Popen) -> None:
    """Kill a node with all that runs on it, as when its machine is lost."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == node.pid:
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue  # it has just ended
    node.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def wait_for(happened, otherwise: str) -> None:
    """Wait until something happened; Ray takes its time for all it does."""
    deadline = time.monotonic() + _PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)
