"""The formats of instruction data: what each is made of, and how its rows are made and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from isekai_gen.manifests.instruction_interleaved import interleaved_faults, interleaved_row
from isekai_gen.manifests.instruction_llava import (
    llava_episode_row,
    llava_faults,
    llava_image_row,
)
from isekai_gen.manifests.instruction_openai_chat import openai_chat_faults, openai_chat_row
from isekai_gen.manifests.instruction_qwen_vl import qwen_vl_faults, qwen_vl_row
from isekai_gen.manifests.instruction_samples import InstructionSample
from isekai_gen.manifests.instruction_sharegpt import sharegpt_faults, sharegpt_row
from isekai_gen.manifests.instruction_triplets import (
    chain_of_thought_faults,
    chain_of_thought_row,
    triplet_faults,
    triplet_row,
)

Content = Literal["episodes", "images", "reasons"]
"""Episodes; single images in five ways; single images named at the end of a chain of thought."""
RowOf = Callable[[InstructionSample], dict[str, Any]]


@dataclass(frozen=True)
class InstructionFormat:
    """One format.

    Attributes:
        name: As in `--format`, and of its folder.
        row_of: Each content that it has to what makes a row of a sample. One file each.
        row_faults: What is wrong with a row as read back, arbitrary JSON.
        is_array: Whether a file is one JSON array; else JSON lines.
    """

    name: str
    row_of: Mapping[Content, RowOf]
    row_faults: Callable[[Any], list[str]]
    is_array: bool = False

    def file_name(self, content: Content) -> str:
        """Of a content's file within the folder of the format."""
        return f"{content}.json" if self.is_array else f"{content}.jsonl"


def _both(row_of: RowOf) -> dict[Content, RowOf]:
    return {"episodes": row_of, "images": row_of}


_FORMATS = (
    InstructionFormat(
        "llava", {"episodes": llava_episode_row, "images": llava_image_row}, llava_faults, True
    ),
    InstructionFormat("openai-chat", _both(openai_chat_row), openai_chat_faults),
    InstructionFormat("sharegpt", _both(sharegpt_row), sharegpt_faults, True),
    InstructionFormat("qwen-vl", _both(qwen_vl_row), qwen_vl_faults),
    InstructionFormat("interleaved", {"episodes": interleaved_row}, interleaved_faults),
    InstructionFormat("triplets", {"images": triplet_row}, triplet_faults),
    InstructionFormat(
        "chain-of-thought", {"reasons": chain_of_thought_row}, chain_of_thought_faults
    ),
)
FORMATS: Mapping[str, InstructionFormat] = {each.name: each for each in _FORMATS}


def check_instructions(name: str, rows: Iterable[Any]) -> Iterator[str]:
    """Every fault of a file of instructions, each with its 1-based row.

    Beside the rules of each row: at least one row, and ids that ascend, so that none is twice.

    Args:
        name: Of the format.
        rows: Parsed JSON, in file order.
    """
    row_faults = FORMATS[name].row_faults
    before = ""
    number = 0
    for number, row in enumerate(rows, start=1):
        faults = row_faults(row)
        if not faults and "id" in row:
            if row["id"] <= before:
                faults = [f"the id {row['id']!r} must come after {before!r}"]
            before = row["id"]
        yield from (f"row {number}: {fault}" for fault in faults)
    if not number:
        yield "a file of instructions must have rows"
