"""`isekai-gen review` in a process of its own, as a person starts it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.small_jobs import command, environment

PERSON = "ada"


@dataclass
class ReviewServer:
    """A server that runs.

    Attributes:
        root: The workspace under review.
        address: What it printed, with the token.
        process: The process.
    """

    root: Path
    address: str
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.address.partition("/?")[0]

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])

    def kill(self) -> None:
        """Kill -9: it gets no chance to put anything in order."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> str:
        """End it as Ctrl-C does; what it said last."""
        if self.process.poll() is not None:
            return ""
        self.process.terminate()
        stdout, stderr = self.process.communicate(timeout=60)
        assert "Traceback" not in stderr, stderr
        return stdout


def start_review(root: Path, port: int = 0, more: Sequence[str] = ()) -> ReviewServer:
    """Start it and wait until it printed its address."""
    process = subprocess.Popen(
        command(["review", "-w", root, "--by", PERSON, "--port", str(port), *more]),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("http://"):
            return ReviewServer(root, line.strip(), process)
    _, stderr = process.communicate()
    raise AssertionError(f"review ended with {process.returncode}: {stderr}")


@contextmanager
def reviewing(root: Path, more: Sequence[str] = ()) -> Iterator[ReviewServer]:
    server = start_review(root, more=more)
    try:
        yield server
    finally:
        server.stop()
