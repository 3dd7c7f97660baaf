"""ShareGPT-style messages with a list of images, as LLaMA-Factory reads them.

LLaMA-Factory finds a file by its entry in dataset_info.json, which lies beside; the images' folder
is its `media_dir`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from isekai_gen.manifests.instruction_check import (
    ReadTurn,
    RowFault,
    path_faults,
    require_list,
    require_object,
    require_text,
    turn_faults,
)
from isekai_gen.manifests.instruction_marked_text import marked_text, read_marked
from isekai_gen.manifests.instruction_samples import InstructionSample


def sharegpt_row(sample: InstructionSample) -> dict[str, Any]:
    """The row of a sample."""
    messages = [
        {"role": turn.role, "content": marked_text(turn)} for turn in sample.conversation.turns
    ]
    return {"id": sample.key, "messages": messages, "images": list(sample.conversation.images)}


def sharegpt_faults(row: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """What is wrong with a row as read back; empty if nothing is."""
    try:
        images, turns = _read(row)
    except RowFault as fault:
        return [str(fault)]
    return [*(fault for image in images for fault in path_faults(image)), *turn_faults(turns)]


def dataset_info(file_names: Iterable[str]) -> dict[str, Any]:
    """LLaMA-Factory's dataset_info.json for these files, each under its name without suffix."""
    return {
        f"isekai_{name.partition('.')[0]}": {
            "file_name": name,
            "formatting": "sharegpt",
            "columns": {"messages": "messages", "images": "images"},
            "tags": {
                "role_tag": "role",
                "content_tag": "content",
                "user_tag": "user",
                "assistant_tag": "assistant",
                "system_tag": "system",
            },
        }
        for name in file_names
    }


def _read(row: Any) -> tuple[list[str], list[ReadTurn]]:  # noqa: ANN401 - any JSON value
    fields = require_object(row, ("id", "messages", "images"), "a row")
    require_text(fields["id"], "id")
    paths = [require_text(each, "an image") for each in require_list(fields["images"], "images")]
    turns = []
    for said in require_list(fields["messages"], "messages"):
        turn = require_object(said, ("role", "content"), "a message")
        role = require_text(turn["role"], "role")
        turns.append((role, require_text(turn["content"], "content")))
    return paths, read_marked(turns, paths)
