"""What people say on the page, and searches, which are sent the same way."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from isekai_gen.review.routes_asking import (
    MAX_BODY,
    MAX_PICTURE_BODY,
    SENDER,
    json_body,
    sayings,
    search_request,
    sender,
)
from isekai_gen.review.routes_site import site_of
from isekai_gen.review.thumbnails import check_picture


async def decisions(request: Request) -> Response:
    """POST /api/decisions."""
    site = site_of(request)
    body = await json_body(request, ("sayings", *SENDER), MAX_BODY)
    now = await run_in_threadpool(site.source.say, sayings(body), sender(body))
    site.tally.answers += now["recorded"]["answers"]
    site.tally.decisions += now["recorded"]["decisions"]
    site.versions.tell()
    return JSONResponse(now)


async def undo(request: Request) -> Response:
    """POST /api/undo."""
    site = site_of(request)
    named = sender(await json_body(request, SENDER, MAX_BODY))
    taken_back = await run_in_threadpool(site.source.undo, named)
    answers = sum(bool(saying["question"]) for saying in taken_back["undone"])
    site.tally.answers -= answers
    site.tally.decisions -= len(taken_back["undone"]) - answers
    site.versions.tell()
    return JSONResponse(taken_back)


async def search(request: Request) -> Response:
    """POST /api/search."""
    body = await json_body(request, ("text", "picture", "limit"), MAX_PICTURE_BODY)
    text, picture, limit = search_request(body)
    if not text:
        await run_in_threadpool(check_picture, picture)
    source = site_of(request).source
    return JSONResponse(await run_in_threadpool(source.search, text, picture, limit))
