"""Plain triplets of instruction, image and response; with reasons for the chain of thought."""

from __future__ import annotations

from typing import Any

from isekai_gen.manifests.instruction_check import (
    RowFault,
    path_faults,
    require_object,
    require_text,
)
from isekai_gen.manifests.instruction_samples import InstructionSample
from isekai_gen.manifests.instruction_texts import command_faults

_TEXTS = ("id", "concept", "template", "instruction", "response")


def triplet_row(sample: InstructionSample) -> dict[str, Any]:
    """The row of a sample with one image."""
    question, answer = sample.conversation.turns
    (image,) = sample.conversation.images
    return {
        "id": sample.key,
        "concept": sample.concept,
        "template": sample.template,
        "instruction": question.text.strip(),
        "image": image,
        "response": answer.text,
    }


def chain_of_thought_row(sample: InstructionSample) -> dict[str, Any]:
    """The row of a reasoned sample: a triplet with the reasons within its response apart."""
    return {**triplet_row(sample), "rationale": sample.rationale}


def triplet_faults(row: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """What is wrong with a triplet as read back; empty if nothing is."""
    return _faults(row, _TEXTS)


def chain_of_thought_faults(row: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """What is wrong with a reasoned triplet as read back; empty if nothing is."""
    faults = _faults(row, (*_TEXTS, "rationale"))
    if not faults and row["rationale"] not in row["response"]:
        faults.append("the response must give the rationale")
    return faults


def _faults(row: Any, texts: tuple[str, ...]) -> list[str]:  # noqa: ANN401 - any JSON value
    try:
        fields = require_object(row, (*texts, "image"), "a row")
        faults = [
            f"{key} {fault}"
            for key in texts
            for fault in command_faults(require_text(fields[key], key))
        ]
        return faults + path_faults(require_text(fields["image"], "image"))
    except RowFault as fault:
        return [str(fault)]
