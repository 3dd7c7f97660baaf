"""Pictures as drawn, their thumbnails, and pictures of reference sets.

The client names images by id and references by a key that the source gave out. The source says
which file that is, and the file is opened only where it belongs.
"""

from __future__ import annotations

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from isekai_gen.review.routes_asking import image_id, plain_text, single, whole_number
from isekai_gen.review.routes_site import Site, confined, site_of
from isekai_gen.review.thumbnails import SIZES, Thumbnail

_MEDIA_TYPES = {".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg"}
# An id stands for its pixels: a picture under it never changes.
_FOR_EVER = "private, max-age=31536000, immutable"


async def picture(request: Request) -> Response:
    """GET /picture/<id>."""
    single(request.query_params, ())
    path = await run_in_threadpool(_image_file, site_of(request), _asked_id(request))
    media_type = _MEDIA_TYPES.get(path.suffix)
    if media_type is None:
        raise HTTPException(404, "the file of that image is no picture")
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": _FOR_EVER})


async def thumb(request: Request) -> Response:
    """GET /thumb/<id>."""
    asked = single(request.query_params, ("size",))
    size = whole_number(asked.get("size", str(SIZES[0])), "size")
    if size not in SIZES:
        raise HTTPException(400, f"size must be one of: {', '.join(map(str, SIZES))}")
    found = await run_in_threadpool(_thumbnail, site_of(request), _asked_id(request), size)
    return _as_answer(request, found, _FOR_EVER)


async def reference(request: Request) -> Response:
    """GET /reference/<key>: as WebP too, since any file may lie in the user's folders."""
    single(request.query_params, ())
    key = plain_text(request.path_params["key"], "key")
    found = await run_in_threadpool(_reference, site_of(request), key)
    return _as_answer(request, found, "no-cache")


def _asked_id(request: Request) -> str:
    return image_id(request.path_params["image_id"])


def _image_file(site: Site, known: str) -> Path:
    return confined(site.source.picture(known), site.folders.workspace)


def _thumbnail(site: Site, known: str, size: int) -> Thumbnail:
    return site.thumbnails.of(_image_file(site, known), size)


def _reference(site: Site, key: str) -> Thumbnail:
    path = site.source.reference_picture(key)
    for folder in site.folders.references.values():
        if path is not None and path.is_relative_to(folder):
            return site.thumbnails.of(confined(path, folder), SIZES[-1])
    raise HTTPException(404, "there is no such reference picture")


def _as_answer(request: Request, found: Thumbnail, kept: str) -> Response:
    headers = {"Cache-Control": kept, "ETag": f'"{found.tag}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type="image/webp", headers=headers)
