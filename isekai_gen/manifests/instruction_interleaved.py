"""Interleaved demonstrations: lists `images` and `texts` of one length, one of both at a place.

So do OBELICS and mmc4's readers take multimodal documents; the turns of an episode become one
document, whose last text is the right answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isekai_gen.manifests.instruction_check import (
    RowFault,
    path_faults,
    require_list,
    require_object,
    require_text,
)
from isekai_gen.manifests.instruction_samples import InstructionSample
from isekai_gen.manifests.instruction_texts import command_faults
from isekai_gen.records import ImagePart


def interleaved_row(sample: InstructionSample) -> dict[str, Any]:
    """The row of a sample; texts that follow each other are lines of one."""
    images: list[str | None] = []
    texts: list[str | None] = []
    for turn in sample.conversation.turns:
        for part in turn.parts:
            if isinstance(part, ImagePart):
                images.append(part.image)
                texts.append(None)
                continue
            words = part.text.strip()
            if not words:
                continue
            if texts and texts[-1] is not None:
                texts[-1] = f"{texts[-1]}\n{words}"
            else:
                images.append(None)
                texts.append(words)
    return {"id": sample.key, "images": images, "texts": texts}


def interleaved_faults(row: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """What is wrong with a row as read back; empty if nothing is."""
    try:
        fields = require_object(row, ("id", "images", "texts"), "a row")
        require_text(fields["id"], "id")
        images = require_list(fields["images"], "images")
        texts = require_list(fields["texts"], "texts")
        if len(images) != len(texts):
            raise RowFault(f"{len(images)} images, but {len(texts)} texts")
        return [
            fault
            for place, pair in enumerate(zip(images, texts, strict=True), start=1)
            for fault in _place_faults(place, *pair)
        ] + _order_faults(images)
    except RowFault as fault:
        return [str(fault)]


def _place_faults(place: int, image: Any, text: Any) -> list[str]:  # noqa: ANN401
    if (image is None) == (text is None):
        raise RowFault(f"place {place} must have an image or a text, and null for the other")
    if image is None:
        return command_faults(require_text(text, "a text"))
    return path_faults(require_text(image, "an image"))


def _order_faults(images: Sequence[str | None]) -> list[str]:
    if images[-1] is not None:
        return ["the last place must be a text, the answer"]
    if len(images) < 2 or images[-2] is None:
        return ["the last text must come after an image"]
    return []
