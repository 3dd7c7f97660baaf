"""One request to a chat server and its whole response, within a time and a size."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isekai_gen.models.chat_replies import Outcome, one_line, unreadable

if TYPE_CHECKING:
    import httpx2

_MAX_CONNECT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 8_000_000


@dataclass(frozen=True)
class Response:
    """What a server sent.

    Attributes:
        status: HTTP status.
        body: All of it.
        location: Where a redirect points, or "".
        retry_after: The header of that name, if there is one.
    """

    status: int
    body: bytes
    location: str
    retry_after: str | None


def open_http(key: str | None, connections: int, *, direct: bool) -> httpx2.AsyncClient:
    """Connections to one server.

    Args:
        key: Sent with every request; redirects, which could take it elsewhere, are not followed.
        connections: At once, at most.
        direct: Whether proxies that the environment names are passed by.
    """
    import httpx2

    # Encoded answers could be far larger than what is counted on the way in.
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return httpx2.AsyncClient(
        headers=headers,
        follow_redirects=False,
        trust_env=not direct,
        limits=httpx2.Limits(max_connections=connections),
        timeout=httpx2.Timeout(None, connect=_MAX_CONNECT_SECONDS),
    )


async def send(
    http: httpx2.AsyncClient, url: str, body: bytes, timeout_seconds: float
) -> Response | Outcome:
    """Send a request; the response, or the failure that kept it away, which may pass.

    The time counts to the last byte, so that a server which drips cannot hold a request for good.
    """
    import httpx2

    try:
        async with asyncio.timeout(timeout_seconds):
            async with http.stream("POST", url, content=body) as response:
                content = bytearray()
                async for block in response.aiter_bytes():
                    content += block
                    if len(content) > _MAX_ANSWER_BYTES:
                        return unreadable(f"more than {_MAX_ANSWER_BYTES} bytes")
                headers = response.headers
                return Response(
                    response.status_code,
                    bytes(content),
                    headers.get("location", ""),
                    headers.get("retry-after"),
                )
    except (TimeoutError, httpx2.TimeoutException):
        return Outcome(failure="timed out", may_pass=True)
    except httpx2.RequestError as error:
        detail = one_line(str(error)) or type(error).__name__
        return Outcome(failure="no connection", may_pass=True, detail=detail)
