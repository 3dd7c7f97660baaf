"""What requests may say: every value is looked at before anything is done with it."""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal, cast

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from isekai_gen.review.source import QUEUES, ImageQuery, QueueName, Saying, Sender

MAX_BODY = 1_000_000
MAX_PICTURE_BODY = 8_000_000
SENDER = ("tab", "request")
_MAX_ROWS = 500
_MAX_NUMBER = 999_999_999
_MAX_TEXT = 500
_MAX_NAME = 100
_MAX_NOTE = 5_000
_MAX_VALUES = 200
_IMAGE_ID = re.compile(r"[0-9a-f]{20}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_CHOICES = ("keep", "drop", "duplicate", "not_duplicate", "undecided", "unsure")
_VALUES = {"kind": ("fictional", "real"), "verdict": ("kept", "dropped")}
_SEVERAL = ("concept", "kind", "verdict", "reason", "template")
_SINGLE = ("order", "offset", "limit")
_SLOT = "slot."


def image_id(text: object) -> str:
    """An image's id: 20 hexadecimal digits, so that it can be no path.

    Raises:
        HTTPException: 400, as all of this module.
    """
    if not isinstance(text, str) or not _IMAGE_ID.fullmatch(text):
        raise HTTPException(400, "an image id is 20 digits and letters a to f")
    return text


def plain_text(text: object, name: str, most: int = _MAX_TEXT, allowed: str = "") -> str:
    """A text without control characters, other than `allowed`, that can be written as UTF-8."""
    if not isinstance(text, str) or len(text) > most:
        raise HTTPException(400, f"{name} must be a text of at most {most} characters")
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in allowed for c in text):
        raise HTTPException(400, f"{name} has control characters")
    return text


def whole_number(text: str, name: str, least: int = 0, most: int = _MAX_NUMBER) -> int:
    """A number in decimal digits, within bounds."""
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise HTTPException(400, f"{name} must be a whole number from {least} to {most}")
    return int(text)


def queue_name(text: str) -> QueueName:
    """The name of a queue; 404 if there is none of that name."""
    if text not in QUEUES:
        raise HTTPException(404, f"there is no such queue; there are: {', '.join(QUEUES)}")
    return text


def single(query: QueryParams, allowed: Sequence[str]) -> dict[str, str]:
    """Parameters that come at most once each; any other is an error."""
    for name in query:
        if name not in allowed:
            raise HTTPException(400, f"unknown parameter; known here: {', '.join(allowed)}")
        if len(query.getlist(name)) > 1:
            raise HTTPException(400, f"{name} is given twice")
    return {name: plain_text(query[name], name) for name in query}


def image_query(query: QueryParams) -> ImageQuery:
    """What /api/images is asked for."""
    if len(query.multi_items()) > _MAX_VALUES:
        raise HTTPException(400, f"at most {_MAX_VALUES} parameters")
    slots = {name for name in query if name.startswith(_SLOT) and name != _SLOT}
    once = single(
        QueryParams([(k, v) for k, v in query.multi_items() if k not in _SEVERAL]),
        (*_SINGLE, *sorted(plain_text(name, "slot") for name in slots)),
    )
    order = once.get("order", "concept")
    if order not in ("concept", "closest"):
        raise HTTPException(400, "order must be concept or closest")
    return ImageQuery(
        concepts=_several(query, "concept"),
        kinds=_several(query, "kind"),
        verdicts=_several(query, "verdict"),
        reasons=_several(query, "reason"),
        templates=_several(query, "template"),
        slots={name.removeprefix(_SLOT): once[name] for name in slots} or None,
        order=cast("Literal['concept', 'closest']", order),
        offset=whole_number(once.get("offset", "0"), "offset"),
        limit=whole_number(once.get("limit", "100"), "limit", 1, _MAX_ROWS),
    )


async def json_body(request: Request, allowed: Sequence[str], most: int) -> dict[str, Any]:
    """The object that was sent.

    Args:
        request: Whose body to read.
        allowed: Its keys.
        most: Bytes at most.

    Raises:
        HTTPException: 413 if it is larger, 400 if it is none.
    """
    too_large = HTTPException(413, f"at most {most:,} bytes are taken")
    length = request.headers.get("content-length", "0")
    if len(length) > len(str(_MAX_NUMBER)) or (length.isdecimal() and int(length) > most):
        raise too_large
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > most:
            raise too_large
    try:
        body = json.loads(bytes(content))
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "send one JSON object, in UTF-8") from error
    return _object(body, allowed)


def sayings(body: dict[str, Any]) -> list[Saying]:
    """What /api/decisions is sent."""
    told = body.get("sayings")
    if not isinstance(told, list) or not 1 <= len(told) <= _MAX_ROWS:
        raise HTTPException(400, f"sayings must be a list of 1 to {_MAX_ROWS}")
    return [_saying(one) for one in told]


def sender(body: dict[str, Any]) -> Sender:
    """Which tab sends, and what it calls its request."""
    return Sender(*(plain_text(body.get(name, ""), name, _MAX_NAME) for name in SENDER))


def search_request(body: dict[str, Any]) -> tuple[str, bytes, int]:
    """What /api/search is sent: a text or a picture, and how many images to name."""
    if ("text" in body) == ("picture" in body):
        raise HTTPException(400, "search by text or by picture: send one of them")
    limit = body.get("limit", 100)
    if type(limit) is not int or not 1 <= limit <= _MAX_ROWS:
        raise HTTPException(400, f"limit must be a whole number from 1 to {_MAX_ROWS}")
    if "picture" not in body:
        text = plain_text(body["text"], "text").strip()
        if not text:
            raise HTTPException(400, "text is empty")
        return text, b"", limit
    try:
        picture = base64.b64decode(body["picture"], validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise HTTPException(400, "picture must be in base64") from error
    return "", picture, limit


def _several(query: QueryParams, name: str) -> tuple[str, ...]:
    values = tuple(plain_text(value, name) for value in query.getlist(name))
    known = _VALUES.get(name)
    if known and set(values) - set(known):
        raise HTTPException(400, f"{name} must be one of: {', '.join(known)}")
    return values


def _object(value: object, allowed: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise HTTPException(400, "send one JSON object, in UTF-8")
    if set(value) - set(allowed):
        known = f"known here: {', '.join(allowed)}" if allowed else "none is known here"
        raise HTTPException(400, f"unknown key; {known}")
    return value


def _saying(value: object) -> Saying:
    told = _object(value, ("images", "choice", "reason", "note", "question"))
    images = told.get("images")
    if not isinstance(images, list) or not 1 <= len(images) <= 2:
        raise HTTPException(400, "images must be a list of one id or two")
    ids = tuple(image_id(one) for one in images)
    if len(set(ids)) != len(ids):
        raise HTTPException(400, "a pair needs two images")
    if told.get("choice") not in _CHOICES:
        raise HTTPException(400, f"choice must be one of: {', '.join(_CHOICES)}")
    return Saying(
        images=ids,
        choice=told["choice"],
        reason=plain_text(told.get("reason", ""), "reason"),
        note=plain_text(told.get("note", ""), "note", _MAX_NOTE, "\n\t"),
        question=plain_text(told.get("question", ""), "question"),
    )
