"""Serve the review page on the loopback address until Ctrl-C."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import uvicorn

from isekai_gen.errors import InputError
from isekai_gen.review.app import create_app, create_site
from isekai_gen.review.routes_site import Folders, Site, Tally
from isekai_gen.review.security import Gate
from isekai_gen.review.source import ReviewSource

_LOOPBACK = "127.0.0.1"
_TOKEN_BYTES = 32
_BACKLOG = 128


@dataclass(frozen=True)
class ServeRequest:
    """How to serve.

    Attributes:
        folders: What may be opened.
        port: To listen on; 0 for a free one.
        open_browser: Whether to open the page in the user's browser.
    """

    folders: Folders
    port: int = 0
    open_browser: bool = False


def serve(source: ReviewSource, request: ServeRequest, tell: Callable[[str], None]) -> Tally:
    """Serve until Ctrl-C or SIGTERM; what was said meanwhile.

    Args:
        source: The dataset under review.
        request: How.
        tell: Receives the address once it can be opened; it holds the secret.

    Raises:
        InputError: If the port cannot be had.
    """
    site = create_site(source, request.folders)
    with listening(request.port) as listener:
        gate = Gate(secrets.token_urlsafe(_TOKEN_BYTES), listener.getsockname()[1])

        def open_browser() -> None:
            if not webbrowser.open(gate.address):
                tell("No browser was found here; open the address yourself")

        def announce() -> None:
            tell(gate.address)
            if request.open_browser:
                # Some browsers hold up who starts them until they end.
                threading.Thread(target=open_browser, daemon=True).start()

        # uvicorn ends in good order, and then passes the signal on.
        with suppress(KeyboardInterrupt):
            asyncio.run(server_of(site, gate, announce).serve(sockets=[listener]))
    return site.tally


def server_of(site: Site, gate: Gate, announce: Callable[[], None]) -> uvicorn.Server:
    """A server that calls `announce` when it can be asked."""
    config = uvicorn.Config(
        create_app(site, gate),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    return _Server(config, site, announce)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, site: Site, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._site = site
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._site.versions.close()  # else each open page would hold the server up
        await super().shutdown(sockets)


def listening(port: int) -> socket.socket:
    """A socket that this machine alone can reach.

    Args:
        port: 0 for a free one.

    Raises:
        InputError: If the port cannot be had.
    """
    # Only of a socket that says TCP does asyncio know to send small answers at once; else each
    # waits 40 ms for the browser's acknowledgment of its head.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise InputError(
            f"port {port} of {_LOOPBACK} cannot be had ({error.strerror}); name another with "
            "--port, or 0 for a free one"
        ) from error
    return listener
