"""Pages that are watched: what the console says, and where requests go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.browser.review_server import ReviewServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

WAIT_MS = 60_000
WITHOUT_NETWORK = ("blob:", "data:")
USUAL = {"viewport": {"width": 1280, "height": 720}, "color_scheme": "light"}


class UsualContext:
    """One browser's context for all tests that need no other: its cache is warm.

    What a test has left there, other than the cache, is gone before the next.
    """

    def __init__(self, browser: Browser) -> None:
        self.context = browser.new_context(**USUAL)
        self.context.set_default_timeout(WAIT_MS)
        self._stays = self.context.new_page()
        self._devtools = self.context.new_cdp_session(self._stays)

    def clean(self, origins: Iterable[str]) -> None:
        """Close what is open, and forget what pages of these origins have kept."""
        for page in self.context.pages:
            if page != self._stays:
                page.close()
        self.context.clear_cookies()
        for origin in origins:
            asked = {"origin": origin, "storageTypes": "local_storage"}
            self._devtools.send("Storage.clearDataForOrigin", asked)


class Watch:
    """Every page of one test."""

    def __init__(self, browser: Browser, usual: UsualContext) -> None:
        self._browser = browser
        self._usual = usual
        self._contexts: list[BrowserContext] = []
        self._origins: set[str] = set()
        self._said: list[str] = []
        self._asked: list[str] = []
        self._expected: tuple[str, ...] = ()

    def context(self, **options: Any) -> BrowserContext:
        """A person's browser: one set of cookies."""
        made = self._browser.new_context(**{**USUAL, **options})
        made.set_default_timeout(WAIT_MS)
        self._contexts.append(made)
        return made

    def open(
        self,
        server: ReviewServer,
        view: str = "duplicates",
        context: BrowserContext | None = None,
        **options: Any,
    ) -> Page:
        """Enter by the printed address at a view; waits until it shows something.

        Args:
            server: Whose page.
            view: Its name, with or without a place.
            context: The person's browser.
            options: Of a new one; without either it is the usual one.
        """
        if context is None:
            context = self.context(**options) if options else self._usual.context
        page = context.new_page()
        self._listen(page)
        self._origins.add(server.origin)
        # The part behind # outlasts the redirect that takes the token out of the address.
        page.goto(f"{server.address}#{view}", wait_until="commit")
        wait_for(page, view)
        return page

    def expect(self, *words: str) -> None:
        """What the console may say in this test."""
        self._expected = words

    def faults(self) -> list[str]:
        """What must not have happened."""
        away = [
            f"request to {url}"
            for url in self._asked
            if not url.startswith((*WITHOUT_NETWORK, *(f"{each}/" for each in self._origins)))
        ]
        return away + [each for each in self._said if not any(w in each for w in self._expected)]

    def close(self) -> None:
        while self._contexts:
            self._contexts.pop().close()
        self._usual.clean(self._origins)

    def _listen(self, page: Page) -> None:
        # Routing would see them too, but turns the browser's cache off.
        page.on("request", lambda request: self._asked.append(request.url))
        page.on("pageerror", lambda error: self._said.append(f"thrown: {error}"))
        page.on("console", self._hear)

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self._said.append(f"{message.type}: {message.text} ({message.location['url']})")


@contextmanager
def watching(browser: Browser, usual: UsualContext) -> Iterator[Watch]:
    """A console error or a request that is not for the server fails the test."""
    watched = Watch(browser, usual)
    yield watched
    watched.close()
    found = watched.faults()
    assert not found, "\n".join(found)


def go_to(page: Page, view: str) -> None:
    """Switch to a view and wait until it shows pictures, or says that there are none."""
    page.evaluate("view => { location.hash = view }", view)
    wait_for(page, view)


def wait_for(page: Page, view: str) -> None:
    """Wait until a view shows pictures, or says that there are none."""
    name = view.partition("?")[0]
    page.locator(f".view-{name} :is(img[src], .empty)").first.wait_for(state="attached")
