"""A workspace of 100,000 images: the first screen, and the whole grid by key."""

import logging
import time
from pathlib import Path

import pytest

from benchmarks.review_workspace import enlarge
from tests.browser.looking import until
from tests.browser.review_server import reviewing

IMAGES = 100_000
MOST_NODES = 600
MOST_MEMORY_MB = 500


def memory_mb(process) -> float:
    """What the server holds at most so far."""
    with Path(f"/proc/{process.pid}/status").open() as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


@pytest.mark.long
def test_a_hundred_thousand_images_are_walked_with_few_elements(
    browser, usual, made_workspace, tmp_path
):
    from tests.browser.watched import watching

    enlarge(made_workspace, tmp_path / "large", IMAGES)
    with reviewing(tmp_path / "large") as server, watching(browser, usual) as watched:
        page = watched.open(server, "browse")
        begun = time.perf_counter()
        page.reload()
        page.locator(".grid-caption", has_text="cactihog").first.wait_for()
        seconds = time.perf_counter() - begun
        assert "100,000 images" in page.locator(".browse-count").inner_text()
        for key in ("End", "PageUp", "PageUp", "Home", "PageDown", "End"):
            page.keyboard.press(key)
            chosen = page.locator("[role=gridcell][tabindex='0']")
            until(lambda chosen=chosen: chosen.locator("img[src]").count() == 1)
            assert page.locator(".grid-cell, .grid-cell *").count() <= MOST_NODES
        most = memory_mb(server.process)
    logging.getLogger(__name__).info("first screen %.2f s, server %.0f MB", seconds, most)
    assert most <= MOST_MEMORY_MB
