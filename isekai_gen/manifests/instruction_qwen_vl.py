"""Qwen-VL style messages: parts of type "image" and "text", as most chat templates read them."""

from __future__ import annotations

from typing import Any

from isekai_gen.manifests.instruction_chat_parts import message_faults, messages_of
from isekai_gen.manifests.instruction_check import (
    RowFault,
    path_faults,
    require_object,
    require_text,
)
from isekai_gen.manifests.instruction_samples import InstructionSample


def qwen_vl_row(sample: InstructionSample) -> dict[str, Any]:
    """The row of a sample."""
    return {
        "id": sample.key,
        "messages": messages_of(
            sample.conversation, lambda image: {"type": "image", "image": image}
        ),
    }


def qwen_vl_faults(row: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """What is wrong with a row as read back; empty if nothing is."""
    try:
        fields = require_object(row, ("id", "messages"), "a row")
        require_text(fields["id"], "id")
    except RowFault as fault:
        return [str(fault)]
    return message_faults(fields["messages"], _image_of, path_faults)


def _image_of(value: Any) -> str:  # noqa: ANN401 - any JSON value
    part = require_object(value, ("type", "image"), "an image part")
    if part["type"] != "image":
        raise RowFault("the type of a part must be text or image")
    return require_text(part["image"], "image")
