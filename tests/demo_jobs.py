"""The demo as a newcomer runs it: in a fresh home, where possible without any network."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.small_jobs import command, environment

IMAGES_PER_CONCEPT = 2


@dataclass(frozen=True)
class DemoRun:
    """A demo that ran through.

    Attributes:
        root: Its workspace.
        home: The home folder it had; empty before.
        offline: Whether it ran where there is no network at all.
        stdout: What it printed.
        stderr: What it told meanwhile.
    """

    root: Path
    home: Path
    offline: bool
    stdout: str
    stderr: str

    @property
    def release(self) -> Path:
        """The release it built."""
        return self.root / "release"


def newcomers_environment(home: Path) -> dict[str, str]:
    """An environment in which nothing was set up: no cache, no offline switch."""
    ours = {key: v for key, v in environment().items() if not key.startswith(("HF_", "XDG_"))}
    return {**ours, "HOME": str(home)}


def demo_command(root: Path, images: int, *more: str) -> list[str]:
    return command(["demo", "-w", root, "--images-per-concept", str(images), *more])


def network_namespace() -> list[str]:
    """What to put before a command so that not even loopback is up; [] if not allowed here."""
    allowed = not subprocess.run(
        ["unshare", "-rn", "true"], capture_output=True, check=False
    ).returncode
    return ["unshare", "-rn"] if allowed else []
