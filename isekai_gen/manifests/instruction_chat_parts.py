"""Messages whose content is a list of parts: what the OpenAI and Qwen-VL styles share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from isekai_gen.manifests.instruction_check import (
    ReadTurn,
    RowFault,
    require_list,
    require_object,
    require_text,
    turn_faults,
)
from isekai_gen.records import Conversation, ImagePart, Part, TextPart

ImageOf = Callable[[Any], str]
"""The image that a part shows; raises RowFault if it is of another shape."""


def messages_of(
    conversation: Conversation, image_part: Callable[[str], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Messages with their parts; texts without the blanks that set them off from an image.

    Every content is a list, also where one text would do: a reader of columns needs one type.
    """
    messages = []
    for turn in conversation.turns:
        parts: list[dict[str, Any]] = []
        for part in turn.parts:
            if isinstance(part, ImagePart):
                parts.append(image_part(part.image))
            elif part.text.strip():
                parts.append({"type": "text", "text": part.text.strip()})
        messages.append({"role": turn.role, "content": parts})
    return messages


def message_faults(
    messages: Any,  # noqa: ANN401 - any JSON value
    image_of: ImageOf,
    image_faults: Callable[[str], list[str]],
) -> list[str]:
    """What is wrong with messages as read back; empty if nothing is."""
    try:
        turns = [_read_message(each, image_of) for each in require_list(messages, "messages")]
    except RowFault as fault:
        return [str(fault)]
    images = [part.image for turn in turns for part in turn.parts if isinstance(part, ImagePart)]
    return [*(fault for image in images for fault in image_faults(image)), *turn_faults(turns)]


def _read_message(value: Any, image_of: ImageOf) -> ReadTurn:  # noqa: ANN401 - any JSON value
    message = require_object(value, ("role", "content"), "a message")
    parts: list[Part] = []
    for part in require_list(message["content"], "content"):
        if isinstance(part, dict) and part.get("type") == "text":
            require_object(part, ("type", "text"), "a text part")
            parts.append(TextPart(require_text(part["text"], "text")))
        else:
            parts.append(ImagePart(image_of(part)))
    return ReadTurn(require_text(message["role"], "role"), tuple(parts))
