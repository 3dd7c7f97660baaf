"""Turns as one text with "<image>" where an image stands, its paths in a list beside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from isekai_gen.manifests.instruction_check import ReadTurn, RowFault
from isekai_gen.records import ImagePart, Part, TextPart, Turn

MARK = "<image>"
_MARK_AT_START_OF_LINE = re.compile(rf"^{MARK} ", re.MULTILINE)


def marked_text(turn: Turn) -> str:
    """The words of a turn with marks; a mark at the start of a line has the line for itself."""
    text = "".join(part.text if isinstance(part, TextPart) else MARK for part in turn.parts)
    return _MARK_AT_START_OF_LINE.sub(f"{MARK}\n", text)


def read_marked(turns: Sequence[tuple[str, str]], images: Sequence[str]) -> list[ReadTurn]:
    """Turns with their images back in place.

    Args:
        turns: Role and marked text of each.
        images: Paths, one for each mark.

    Raises:
        RowFault: If there are more or fewer marks than images.
    """
    marks = sum(text.count(MARK) for _, text in turns)
    if marks != len(images):
        raise RowFault(f"{marks} times {MARK} in the turns, but {len(images)} images")
    rest = iter(images)
    return [ReadTurn(role, tuple(_parts(text, rest))) for role, text in turns]


def _parts(text: str, images: Iterator[str]) -> Iterator[Part]:
    for number, words in enumerate(text.split(MARK)):
        if number:
            yield ImagePart(next(images))
        if words:
            yield TextPart(words)
