"""The demo, run once for all tests that look at what it leaves."""

import subprocess

import pytest

from tests.demo_jobs import (
    IMAGES_PER_CONCEPT,
    DemoRun,
    demo_command,
    network_namespace,
    newcomers_environment,
)


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
