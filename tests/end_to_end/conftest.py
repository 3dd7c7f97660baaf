"""The demo as a newcomer runs it: once a session, in a fresh home, without any network."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

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


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory) -> DemoRun:
    folder = tmp_path_factory.mktemp("demo")
    root, home = folder / "isekai-demo", folder / "home"
    home.mkdir()
    prefix = network_namespace()
    done = subprocess.run(
        [*prefix, *demo_command(root, IMAGES_PER_CONCEPT)],
        env=newcomers_environment(home),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return DemoRun(root, home, bool(prefix), done.stdout, done.stderr)
