"""The HTTP side of the Hub that stands in (see `hub_stand_in`), on loopback."""

from __future__ import annotations

import json
import re
import threading
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import huggingface_hub
import pytest
from huggingface_hub.utils import _http

from tests.release.hub_stand_in import (
    READ_TOKEN,
    ROUTES,
    WRITE_TOKEN,
    Call,
    Hub,
    Refused,
    list_tree,
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def answer(self) -> None:
        body = self._read_body()
        address = urlsplit(self.path)
        with self.hub.lock:
            self.hub.requests.append(f"{self.command} {address.path}")
            try:
                value = self._dispatch(address.path, parse_qs(address.query), body)
                self._send(200, value, self._next_page)
            except Refused as error:
                self._send(error.status, {"error": str(error)}, None, error)

    do_GET = do_POST = do_PUT = answer

    def _dispatch(self, path: str, query: Mapping[str, list[str]], body: bytes) -> Any:
        self._next_page = None
        for fault in self.hub.faults:
            if fault.times and fault.method == self.command and re.search(fault.path, path):
                fault.times -= 1
                raise Refused(fault.status, "as asked")
        for method, pattern, action in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == self.command:
                found = {key: unquote(value or "") for key, value in match.groupdict().items()}
                call = Call(self.hub, self._token(path), query, body, **found)
                return self._page(action(call), query) if action is list_tree else action(call)
        raise Refused(404, f"no such endpoint: {self.command} {path}")

    def _token(self, path: str) -> str | None:
        if path.startswith("/storage/"):
            return None  # such URLs are signed; no token goes there
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given and given not in (WRITE_TOKEN, READ_TOKEN):
            raise Refused(401, "Invalid username or password.")
        if self.command != "GET" and given != WRITE_TOKEN:
            raise Refused(403 if given else 401, "this token may not write")
        return given or None

    def _page(self, entries: list[Any], query: Mapping[str, list[str]]) -> list[Any]:
        start = int(query.get("cursor", ["0"])[0])
        end = start + self.hub.page_size
        if end < len(entries):
            self._next_page = (
                f"{self.hub.url}{urlsplit(self.path).path}?recursive=true&cursor={end}"
            )
        return entries[start:end]

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(
        self, status: int, value: Any, next_page: str | None, error: Refused | None = None
    ) -> None:
        text = str(error) if error and str(error).startswith("{") else json.dumps(value)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if error and error.code:
            self.send_header("X-Error-Code", error.code)
        if error:
            self.send_header("X-Error-Message", str(error).replace("\n", " "))
        if next_page:
            self.send_header("Link", f'<{next_page}>; rel="next"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A stand-in that answers until the block ends."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def connected_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A stand-in that huggingface_hub of this process talks to, with a token that may write."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    # Xet's storage servers speak a protocol of their own: what is tested is plain HTTP.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", WRITE_TOKEN)
    # huggingface_hub waits seconds before it tries again.
    hasty = types.SimpleNamespace(**{**vars(_http.time), "sleep": lambda _seconds: None})
    monkeypatch.setattr(_http, "time", hasty)
    with running_hub() as hub:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
        yield hub
