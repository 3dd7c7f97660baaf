"""Debian's Chromium, a real server and a real workspace; a page that is watched for faults."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.review_server import ReviewServer, reviewing
from tests.browser.watched import UsualContext, watching
from tests.browser.workspaces import copy_of, made_once, make_demo, put_back

CHROMIUM = Path("/usr/bin/chromium")
# No other name resolves, so that nothing can leave the machine even if it tries.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def pytest_collection_modifyitems(items):
    """Say why, where there is no browser."""
    why = _missing()
    for item in items:
        if why and item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.skip(reason=why))


def _missing() -> str:
    if not CHROMIUM.exists():
        return f"there is no {CHROMIUM}; apt-get install chromium"
    for name in ("playwright", "axe_playwright_python", "starlette", "uvicorn"):
        try:
            __import__(name)
        except ImportError:
            return f"{name} is not installed; pip install 'isekai-gen[dev]'"
    return ""


@pytest.fixture(scope="session")
def made_workspace(tmp_path_factory) -> Path:
    """Never changed by a test."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return made_once(folder / "browser" / "demo", make_demo)


@pytest.fixture(scope="package")
def running(made_workspace, tmp_path_factory):
    """A server for all tests that follow each other here: starting one takes longer than a test."""
    with reviewing(copy_of(made_workspace, tmp_path_factory.mktemp("shared") / "demo")) as started:
        yield started


@pytest.fixture
def server(running, made_workspace) -> ReviewServer:
    """A server of a workspace in which nothing was decided yet."""
    put_back(running.root, made_workspace)
    return running


@pytest.fixture
def own_server(made_workspace, tmp_path):
    """One that may be killed, or whose workspace may be judged again."""
    with reviewing(copy_of(made_workspace, tmp_path / "demo")) as started:
        yield started


@pytest.fixture
def workspace(server) -> Path:
    return server.root


# Not for the whole session: while Playwright runs, its event loop keeps others in this process from
# being run.
@pytest.fixture(scope="package")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*ARGUMENTS])
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def usual(browser):
    return UsualContext(browser)


@pytest.fixture
def watch(browser, usual, server):
    with watching(browser, usual) as watched:
        yield watched


@pytest.fixture
def page(watch, server: ReviewServer):
    return watch.open(server)
