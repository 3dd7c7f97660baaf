"""LLaVA conversations: `image` and `conversations` of human and gpt, as LLaVA's loaders read.

An episode's `image` is a list, as LLaVA-NeXT-Interleave reads several images; a single image's is
one path, as all of LLaVA's loaders do. They know no system turn: its words open the first turn.
"""

from __future__ import annotations

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

_SPEAKERS = {"user": "human", "assistant": "gpt"}
_ROLES = {speaker: role for role, speaker in _SPEAKERS.items()}


def llava_image_row(sample: InstructionSample) -> dict[str, Any]:
    """The row of a sample with one image."""
    (image,) = sample.conversation.images
    return {**llava_episode_row(sample), "image": image}


def llava_episode_row(sample: InstructionSample) -> dict[str, Any]:
    """The row of a sample with any number of images."""
    texts = [(turn.role, marked_text(turn)) for turn in sample.conversation.turns]
    if texts[0][0] == "system":
        (_, system), (role, first), *rest = texts
        texts = [(role, f"{system}\n{first}"), *rest]
    said = [{"from": _SPEAKERS[role], "value": text} for role, text in texts]
    images = list(sample.conversation.images)
    return {"id": sample.key, "image": images, "conversations": said}


def llava_faults(row: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """What is wrong with a row as read back; empty if nothing is."""
    try:
        images, turns = _read(row)
    except RowFault as fault:
        return [str(fault)]
    return [*(fault for image in images for fault in path_faults(image)), *turn_faults(turns)]


def _read(row: Any) -> tuple[list[str], list[ReadTurn]]:  # noqa: ANN401 - any JSON value
    fields = require_object(row, ("id", "image", "conversations"), "a row")
    require_text(fields["id"], "id")
    image = fields["image"]
    images = [image] if isinstance(image, str) else require_list(image, "image")
    paths = [require_text(each, "image") for each in images]
    turns = []
    for said in require_list(fields["conversations"], "conversations"):
        turn = require_object(said, ("from", "value"), "an entry of conversations")
        if require_text(turn["from"], "'from'") not in _ROLES:
            raise RowFault("'from' must be human or gpt")
        turns.append((_ROLES[turn["from"]], require_text(turn["value"], "value")))
    return paths, read_marked(turns, paths)
