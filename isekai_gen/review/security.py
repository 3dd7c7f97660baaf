"""Who may ask, and what every answer goes out with.

Any page that the browser has open may send requests to an address of this machine, and a host
name of theirs may be made to point to it. Hence three locks: the name that was asked for (`Host`),
a cookie that only the printed address gives, and for changes the page they come from (`Origin`).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer goes out with, errors included."""

_LOOPBACK_NAMES = ("127.0.0.1", "localhost")
_HTTP_PORT = 80
_STEP = '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>isekai-gen</title>\n'


@dataclass(frozen=True)
class Gate:
    """Decides on a request by its headers alone.

    Attributes:
        token: The secret of the printed address, and of the cookie.
        port: Where the server listens.
    """

    token: str = field(repr=False)
    port: int

    @property
    def address(self) -> str:
        """What to open; whoever has it may decide."""
        return f"http://{_LOOPBACK_NAMES[0]}:{self.port}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """Name of the cookie. Browsers share cookies between ports, so it has the port."""
        return f"isekai-gen-review-{self.port}"

    def answer(self, request: Request) -> Response | None:
        """What to answer in the server's place; None if the request may go on to it."""
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts():
            return refusal("ask for 127.0.0.1 or localhost, with the port of this server")
        if "token" in request.query_params and request.scope["path"] == "/":
            return self._enter(request)
        if not self._is_secret(request.cookies.get(self.cookie, "")):
            return refusal("open the address that `isekai-gen review` printed")
        if request.method in ("GET", "HEAD"):
            return None
        if request.headers.getlist("origin") != [f"http://{hosts[0]}"]:
            return refusal("changes are taken from the review page only")
        content_type = request.headers.get("content-type", "").partition(";")[0]
        if content_type.strip().lower() != "application/json":
            return refusal("send JSON, as Content-Type: application/json", status=400)
        return None

    def _hosts(self) -> set[str]:
        hosts = {f"{name}:{self.port}" for name in _LOOPBACK_NAMES}
        return hosts | set(_LOOPBACK_NAMES) if self.port == _HTTP_PORT else hosts

    def _is_secret(self, told: str) -> bool:
        return hmac.compare_digest(told.encode("utf-8", "surrogatepass"), self.token.encode())

    def _enter(self, request: Request) -> Response:
        """Give the cookie and lead to the page without the token."""
        tokens = request.query_params.getlist("token")
        if request.method != "GET" or len(tokens) != 1 or not self._is_secret(tokens[0]):
            return refusal("this address is of another run; open the one printed last")
        # A browser that follows a link of another site does not send a strict cookie with what it
        # is redirected to. A page of ours may lead on.
        from_elsewhere = request.headers.get("sec-fetch-site", "none") == "cross-site"
        entered = HTMLResponse(_STEP) if from_elsewhere else RedirectResponse("/", 303)
        entered.set_cookie(self.cookie, self.token, path="/", httponly=True, samesite="strict")
        return entered


def refusal(reason: str, status: int = 403) -> Response:
    """An error as the page reads it."""
    return JSONResponse({"error": reason}, status)


class Guard:
    """Stands before the whole application, so that no answer goes out without the headers."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            raise ValueError(f"the review server speaks HTTP only, not {scope['type']}")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._gate.answer(Request(scope)) or self._app
        await answer(scope, receive, send_with_headers)
