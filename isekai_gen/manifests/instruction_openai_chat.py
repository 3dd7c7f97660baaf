"""OpenAI chat messages with images: JSON lines of `messages` with `image_url` parts.

A row has no other key, since some services refuse what they do not know. The URL is a path
relative to the image folder, or a data URL with the whole image.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.instruction_chat_parts import message_faults, messages_of
from isekai_gen.manifests.instruction_check import (
    RowFault,
    path_faults,
    require_object,
    require_text,
)
from isekai_gen.manifests.instruction_samples import InstructionSample
from isekai_gen.records import ImagePart

_MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_MEDIA_TYPES |= {".webp": "image/webp", ".gif": "image/gif"}
_DATA_URL = re.compile(r"data:(image/[a-z]+);base64,(.*)", re.DOTALL)


def openai_chat_row(sample: InstructionSample) -> dict[str, Any]:
    """The row of a sample."""
    return {
        "messages": messages_of(
            sample.conversation, lambda url: {"type": "image_url", "image_url": {"url": url}}
        )
    }


def openai_chat_faults(row: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """What is wrong with a row as read back; empty if nothing is."""
    try:
        fields = require_object(row, ("messages",), "a row")
    except RowFault as fault:
        return [str(fault)]
    return message_faults(fields["messages"], _url_of, _url_faults)


def with_data_urls(sample: InstructionSample, folder: Path) -> InstructionSample:
    """The sample with its images whole, as URLs that hold their files.

    Raises:
        ManifestError: If one cannot be read, or is of a kind that chat services do not take.
    """
    turns = tuple(
        replace(
            turn,
            parts=tuple(
                ImagePart(_data_url(folder / part.image)) if isinstance(part, ImagePart) else part
                for part in turn.parts
            ),
        )
        for turn in sample.conversation.turns
    )
    return replace(sample, conversation=replace(sample.conversation, turns=turns))


def _data_url(file: Path) -> str:
    media_type = _MEDIA_TYPES.get(file.suffix.lower())
    if media_type is None:
        raise ManifestError(
            f"{file}: chat services take {', '.join(_MEDIA_TYPES)} only; convert the image"
        )
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ManifestError(f"{file}: cannot be read ({error.strerror}); restore it") from error
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _url_of(value: Any) -> str:  # noqa: ANN401 - any JSON value
    part = require_object(value, ("type", "image_url"), "an image part")
    if part["type"] != "image_url":
        raise RowFault("the type of a part must be text or image_url")
    return require_text(require_object(part["image_url"], ("url",), "image_url")["url"], "url")


def _url_faults(url: str) -> list[str]:
    if not url.startswith("data:"):
        return path_faults(url)
    found = _DATA_URL.fullmatch(url)
    if found is None or found.group(1) not in _MEDIA_TYPES.values():
        return ["a data URL must be of an image, in base64"]
    try:
        content = base64.b64decode(found.group(2), validate=True)
    except binascii.Error:
        content = b""
    return [] if content else ["a data URL must hold an image in base64"]
