"""Answers that change nothing."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from isekai_gen.review.routes_asking import (
    image_id,
    image_query,
    plain_text,
    queue_name,
    single,
    whole_number,
)
from isekai_gen.review.routes_site import site_of

_WAIT_SECONDS = 25
_MAX_ENTRIES = 200


async def summary(request: Request) -> Response:
    """GET /api/summary."""
    single(request.query_params, ())
    return JSONResponse(await run_in_threadpool(site_of(request).source.summary))


async def queue(request: Request) -> Response:
    """GET /api/queue/<name>."""
    name = queue_name(request.path_params["name"])
    asked = single(request.query_params, ("after", "limit"))
    limit = whole_number(asked.get("limit", "20"), "limit", 1, _MAX_ENTRIES)
    source = site_of(request).source
    return JSONResponse(await run_in_threadpool(source.queue, name, asked.get("after", ""), limit))


async def images(request: Request) -> Response:
    """GET /api/images."""
    query = image_query(request.query_params)
    return JSONResponse(await run_in_threadpool(site_of(request).source.images, query))


async def image(request: Request) -> Response:
    """GET /api/image/<id>."""
    single(request.query_params, ())
    known = image_id(plain_text(request.path_params["image_id"], "id"))
    found = await run_in_threadpool(site_of(request).source.image, known)
    if found is None:
        raise HTTPException(404, "there is no image of that id")
    return JSONResponse(found)


async def changes(request: Request) -> Response:
    """GET /api/changes."""
    asked = single(request.query_params, ("since",))
    version = await site_of(request).versions.other_than(asked.get("since", ""), _WAIT_SECONDS)
    return JSONResponse({"version": version})
