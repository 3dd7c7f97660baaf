"""Checks that all instruction formats share: of turns, of paths, and of a file's rows.

Rows are arbitrary JSON here: faults, never a crash.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.manifests.instruction_texts import command_faults
from isekai_gen.manifests.paths import check_relative_path
from isekai_gen.records import Part, TextPart


@dataclass(frozen=True)
class ReadTurn:
    """A turn as read back from a row.

    Attributes:
        role: "system", "user", "assistant", or what stands there instead.
        parts: Texts and images in order.
    """

    role: str
    parts: tuple[Part, ...]


class RowFault(Exception):
    """A row is not of its format's shape; the message says why."""


def require_object(value: Any, keys: Collection[str], what: str) -> Mapping[str, Any]:  # noqa: ANN401
    """`value` if it is a JSON object with exactly these keys.

    Raises:
        RowFault: If it is not.
    """
    if not isinstance(value, Mapping):
        raise RowFault(f"{what} must be a JSON object")
    if value.keys() != set(keys):
        raise RowFault(f"{what} must have exactly the keys {sorted(keys)}")
    return value


def require_list(value: Any, what: str) -> Sequence[Any]:  # noqa: ANN401 - any JSON value
    """`value` if it is a list with entries; RowFault if not."""
    if not isinstance(value, list) or not value:
        raise RowFault(f"{what} must be a list that is not empty")
    return value


def require_text(value: Any, what: str) -> str:  # noqa: ANN401 - any JSON value
    """`value` if it is text that is not blank; RowFault if not."""
    if not isinstance(value, str) or not value.strip():
        raise RowFault(f"{what} must be text that is not blank")
    return value


def turn_faults(turns: Sequence[ReadTurn]) -> Iterator[str]:
    """Faults of what is said: the order of turns, images, words.

    The rules: an optional system turn, then user and assistant in turns, the last an assistant's;
    images in the user's turns only, at least one in all; the last user's turn has one; every turn
    has words, and none of them is a command of models.
    """
    roles = [turn.role for turn in turns]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    if not spoken or spoken != ["user", "assistant"] * (len(spoken) // 2):
        yield "turns must alternate between user and assistant and end with the assistant's"
    for number, turn in enumerate(turns, start=1):
        texts = [part.text for part in turn.parts if isinstance(part, TextPart)]
        images = [part.image for part in turn.parts if not isinstance(part, TextPart)]
        if images and turn.role != "user":
            yield f"turn {number}: only the user shows images"
        if not "".join(texts).strip():
            yield f"turn {number}: has no words"
        for text in texts:
            yield from (f"turn {number}: {fault}" for fault in command_faults(text))
    last = turns[-2].parts if len(turns) > 1 else ()
    if all(isinstance(part, TextPart) for part in last):
        yield "the last question shows no image"


def path_faults(path: str) -> list[str]:
    """What makes a path unusable below an image folder, or in a list of images."""
    return check_relative_path(path) + command_faults(path)
