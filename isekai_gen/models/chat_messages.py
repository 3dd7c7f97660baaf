"""A conversation as the body of a request: messages with images as data URLs.

Image files are sent byte for byte, so that what a server sees is what lies on disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from isekai_gen.data_urls import HEAD_BYTES, data_url, media_type_of
from isekai_gen.errors import InputError
from isekai_gen.models.chat_requests import ChatRequest
from isekai_gen.records import ImagePart, TextPart, Turn


def request_body(request: ChatRequest, fields: Mapping[str, Any], max_image_bytes: int) -> bytes:
    """JSON to send.

    Args:
        request: What is asked.
        fields: The other fields of the body: model and decoding settings.
        max_image_bytes: Of one image file.

    Raises:
        InputError: As `check_images`.
    """
    messages = [
        _message(turn, request.images, max_image_bytes) for turn in request.conversation.turns
    ]
    body = {**fields, "messages": messages}
    if request.response_format is not None:
        body["response_format"] = request.response_format
    return json.dumps(body, ensure_ascii=False).encode()


def check_images(requests: Iterable[ChatRequest], max_image_bytes: int) -> None:
    """See that every image can be sent, before the first request costs anything.

    Raises:
        InputError: Names the first file that cannot be read, is too large, or has a format that
            servers do not take.
    """
    paths = {request.images[image] for request in requests for image in request.conversation.images}
    for path in sorted(paths):
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
        except OSError as error:
            raise _unreadable(path, error) from error
        _check_size(path, size, max_image_bytes)
        _media_type(path, head)


def _message(turn: Turn, images: Mapping[str, Path], max_image_bytes: int) -> dict[str, Any]:
    # Many servers take a list of parts from the user alone.
    if not any(isinstance(part, ImagePart) for part in turn.parts):
        return {"role": turn.role, "content": turn.text}
    content: list[dict[str, Any]] = []
    for part in turn.parts:
        if isinstance(part, TextPart):
            content.append({"type": "text", "text": part.text})
        else:
            url = _data_url(images[part.image], max_image_bytes)
            content.append({"type": "image_url", "image_url": {"url": url}})
    return {"role": turn.role, "content": content}


def _data_url(path: Path, max_image_bytes: int) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    _check_size(path, len(content), max_image_bytes)
    return data_url(content, _media_type(path, content[:HEAD_BYTES]))


def _check_size(path: Path, size: int, max_image_bytes: int) -> None:
    if size > max_image_bytes:
        raise InputError(
            f"{path}: {size} bytes are more than the {max_image_bytes} of one image that are sent "
            "to a server; save it smaller"
        )


def _media_type(path: Path, head: bytes) -> str:
    """By the file's first bytes, whatever its name says."""
    media_type = media_type_of(head)
    if media_type is None:
        raise InputError(f"{path}: is not PNG, JPEG or WebP, which servers take; convert it")
    return media_type


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read ({error.strerror}); put the file back")
