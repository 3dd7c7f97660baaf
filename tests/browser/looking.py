"""What a person sees on the page, read from its elements."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from isekai_gen.records import Decision
from tests.browser.workspaces import decisions_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_S = 60.0
VIEWS = ("duplicates", "groups", "overlap", "consistency", "audit", "browse")


def ids_shown(page: Page) -> list[str]:
    """Ids of the pictures of the entry that is shown, in their order."""
    sources = page.locator("#view img").evaluate_all("all => all.map(each => each.src)")
    return [re.search(r"/(?:picture|thumb)/(\w+)", source)[1] for source in sources]


def left_in(page: Page, queue: str) -> int:
    """What the queue's tab says is left."""
    words = page.locator(f"a.tab[href='#{queue}'] .count").inner_text()
    return int(re.match(r"\d+", words)[0])


def press(page: Page, key: str) -> list[str]:
    """Press a key that leads on to another entry; ids of what was shown before it."""
    before = ids_shown(page)
    page.keyboard.press(key)
    until(lambda: ids_shown(page) != before)
    return before


def tops_within_seconds(page: Page) -> set[str | None]:
    """Which pictures of a pair are on top within a few seconds, on a clock that runs ahead."""
    stage = page.locator(".stage[data-mode=flicker]")
    seen = set()
    for _ in range(5):
        seen.add(stage.get_attribute("data-top"))
        page.clock.run_for(600)
    return seen


def until(holds: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.02)


def decided(root: Path, number: int) -> list[Decision]:
    """The decisions on disk, once there are that many."""
    until(lambda: len(decisions_in(root)) >= number)
    found = decisions_in(root)
    assert len(found) == number, found
    return found
