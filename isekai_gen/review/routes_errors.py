"""Errors as the page shows them: one line, without paths of this machine."""

from __future__ import annotations

import re
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from isekai_gen.errors import InputError, IsekaiGenError
from isekai_gen.review.routes_site import site_of

_PATH = re.compile(r"(?<![\w.])/(?:[^\s/'\":;,]+/)+")
_LINES = {
    404: "there is nothing at that address",
    405: "that is not done at this address",
}


async def on_http_error(request: Request, error: Exception) -> Response:
    """What a route refused, in its own words."""
    del request
    if not isinstance(error, HTTPException):
        raise TypeError(f"no HTTP error: {error!r}") from error
    line = error.detail
    if line == HTTPStatus(error.status_code).phrase:
        line = _LINES.get(error.status_code, line)
    return JSONResponse({"error": line}, error.status_code, headers=error.headers)


async def on_wrong_request(request: Request, error: Exception) -> Response:
    """400: what the source refused as wrong."""
    return JSONResponse({"error": without_paths(str(error), request)}, 400)


async def on_known_error(request: Request, error: Exception) -> Response:
    """409: the workspace cannot do it now, such as for a full disk; 400 if the request is wrong."""
    status = 400 if isinstance(error, InputError) else 409
    return JSONResponse({"error": without_paths(str(error), request)}, status)


async def on_fault(request: Request, error: Exception) -> Response:
    """500: a fault of ours; the terminal shows it."""
    del request, error
    return JSONResponse({"error": "a fault of the server; its terminal says more"}, 500)


HANDLERS = {
    HTTPException: on_http_error,
    ValueError: on_wrong_request,
    IsekaiGenError: on_known_error,
    Exception: on_fault,
}


def without_paths(message: str, request: Request) -> str:
    """A message in one line, with what names folders of this machine left out."""
    folders = site_of(request).folders
    for root in (folders.workspace, *folders.references.values()):
        for shown in {f"{root.resolve()}", f"{root}"} - {".", "/"}:
            whole = rf"(?<![\w./-]){re.escape(shown)}(?![\w.-])"
            message = re.sub(f"{whole}/", "", message)
            if "/" in shown:  # else it may be any word of the message
                message = re.sub(whole, "the workspace", message)
    return " ".join(_PATH.sub("", message).split())
