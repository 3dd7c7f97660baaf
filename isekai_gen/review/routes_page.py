"""The page itself: files of the package, named by what lies there and not by what is asked."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PAGE = Path(__file__).parent / "page"
_FIRST = "index.html"
_MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


async def page(request: Request) -> Response:
    """GET / and the files it loads."""
    name = request.path_params.get("name", _FIRST)
    content, media_type = await run_in_threadpool(_read, name)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _read(name: str) -> tuple[bytes, str]:
    for path in PAGE.iterdir():
        if path.name == name and path.suffix in _MEDIA_TYPES:
            return path.read_bytes(), _MEDIA_TYPES[path.suffix]
    raise HTTPException(404, "there is nothing at that address")
