"""Processes that cannot get further than a test wants them to, so that it may take its time.

A test that kills a run in the middle must not depend on how soon it is woken: on a busy machine
the run may have ended by then.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from tests.small_jobs import environment


class HeldWrites:
    """Lets some files come to their places by `os.replace`, and holds those that come after.

    A process that is held sleeps just before the file comes to its place, until it is killed,
    `release` is called, or the tests have ended. It holds in every process that has these
    variables, workers included.

    Attributes:
        variables: To be added to the environment of processes.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        path = os.pathsep.join([str(Path(__file__).parent), environment()["PYTHONPATH"]])
        self.variables = {"PYTHONPATH": path, "HELD_WRITES": str(folder)}

    @property
    def environment(self) -> dict[str, str]:
        """The usual environment with the variables."""
        return {**environment(), **self.variables}

    def hold(self, pattern: str, most: int = 0) -> None:
        """Hold files from now on.

        Args:
            pattern: Paths to hold, as for `fnmatch`; a star matches slashes, too.
            most: How many of them are let through first.
        """
        self.release()
        for left in self._folder.iterdir():
            left.unlink()
        unfinished = self._folder / "rule.tmp"
        rule = {"pattern": pattern, "most": most, "test": os.getpid()}
        unfinished.write_text(json.dumps(rule))
        unfinished.rename(self._folder / "rule.json")

    def release(self) -> None:
        """Let everything through."""
        (self._folder / "rule.json").unlink(missing_ok=True)

    @property
    def waiting(self) -> list[int]:
        """Processes that came to wait, lowest number first."""
        return sorted(int(path.name.split("-")[1]) for path in self._folder.glob("waiting-*"))

    @property
    def let_through(self) -> int:
        """How many files came to their places, or are about to."""
        return sum(1 for _ in self._folder.glob("let-through-*"))

    def wait(self, process: subprocess.Popen) -> None:
        """Wait until a process waits."""
        while not self.waiting:
            assert process.poll() is None, "the run ended before it was held"
            time.sleep(0.01)
