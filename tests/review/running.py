"""A review server in a thread, and requests to it byte by byte, as no browser would send them."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from isekai_gen.review.app import create_site
from isekai_gen.review.routes_site import Folders
from isekai_gen.review.security import Gate
from isekai_gen.review.serving import listening, server_of

TOKEN = "the-token-of-these-tests"  # noqa: S105
SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: 0 if the connection was closed without an answer.
        headers: By name in small letters.
        body: As it came.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self):
        return json.loads(self.body)


class Running:
    """A server that was started, and the person's browser that opened its address."""

    def __init__(self, site, gate) -> None:
        self.site = site
        self.source = site.source
        self.gate = gate
        self.host = f"127.0.0.1:{gate.port}"
        self.cookie = f"{gate.cookie}={TOKEN}"

    def get(self, path, **headers) -> Answer:
        return self.ask("GET", path, headers)

    def post(self, path, value, **headers) -> Answer:
        return self.ask("POST", path, headers, json.dumps(value).encode())

    def ask(self, method, path, headers=None, body=b"") -> Answer:
        """A request with all it needs; `headers` replace, and None leaves one out."""
        told = {"host": self.host, "cookie": self.cookie, "connection": "close"}
        if method == "POST":
            told |= {
                "origin": f"http://{self.host}",
                "content-type": "application/json",
                "content-length": str(len(body)),
            }
        for name, value in (headers or {}).items():
            told[name.replace("_", "-")] = value
        lines = [f"{name}: {value}" for name, value in told.items() if value is not None]
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""])
        return exchange(self.gate.port, head.encode("utf-8", "surrogateescape") + body)


def exchange(port: int, request: bytes) -> Answer:
    """Send bytes, read to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        # It may be refused before all of it was sent; the answer may lie there already.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        received = bytearray()
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    if not head:
        return Answer(0)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]), headers, body)


@contextmanager
def running(source, references: dict[str, Path] | None = None):
    """Serve until the end of the block."""
    listener = listening(0)
    gate = Gate(TOKEN, listener.getsockname()[1])
    site = create_site(source, Folders(source.root, references or {}))
    ready = threading.Event()
    server = server_of(site, gate, ready.set)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        assert ready.wait(SECONDS)
        yield Running(site, gate)
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        listener.close()
        assert not thread.is_alive()
