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

from isekai_gen.data_urls import MEDIA_TYPES, data_url, media_type_of
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

_MOST_BYTES = 50_000_000
"""About what a hosted service takes in one request; a larger file would fill the memory, too."""
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
        ManifestError: If one cannot be read, lies outside `folder`, or is of a kind or size that
            chat services do not take.
    """
    turns = tuple(
        replace(
            turn,
            parts=tuple(
                ImagePart(_data_url(folder, part.image)) if isinstance(part, ImagePart) else part
                for part in turn.parts
            ),
        )
        for turn in sample.conversation.turns
    )
    return replace(sample, conversation=replace(sample.conversation, turns=turns))


def _data_url(folder: Path, image: str) -> str:
    file = folder / image
    try:
        # A folder from elsewhere must not have other files put into what is handed on.
        if not file.resolve(strict=True).is_relative_to(folder.resolve()):
            raise ManifestError(f"{file}: is a symbolic link out of {folder}; copy the file there")
        size = file.stat().st_size
        if size > _MOST_BYTES:
            raise ManifestError(
                f"{file}: its {size} bytes are more than the {_MOST_BYTES} that chat services "
                "take; save it smaller"
            )
        content = file.read_bytes()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise ManifestError(f"{file}: cannot be read ({error}); restore it") from error
    media_type = media_type_of(content)
    if media_type is None:
        raise ManifestError(
            f"{file}: chat services take {', '.join(MEDIA_TYPES)} only; convert the image"
        )
    return data_url(content, media_type)


def _url_of(value: Any) -> str:  # noqa: ANN401 - any JSON value
    part = require_object(value, ("type", "image_url"), "an image part")
    if part["type"] != "image_url":
        raise RowFault("the type of a part must be text or image_url")
    return require_text(require_object(part["image_url"], ("url",), "image_url")["url"], "url")


def _url_faults(url: str) -> list[str]:
    if not url.startswith("data:"):
        return path_faults(url)
    found = _DATA_URL.fullmatch(url)
    if found is None or found.group(1) not in MEDIA_TYPES:
        return ["a data URL must be of an image, in base64"]
    try:
        content = base64.b64decode(found.group(2), validate=True)
    except binascii.Error:
        content = b""
    return [] if content else ["a data URL must hold an image in base64"]
