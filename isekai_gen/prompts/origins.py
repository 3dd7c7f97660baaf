"""Where a text stands in its file, so that a fault inside of it has a line and a column."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Origin:
    """A text's place in a file.

    Attributes:
        path: The file, as the user named it.
        line: 1-based line where `written` begins.
        column: 1-based column where `written` begins.
        written: The text as the file has it, with quotes, escapes and line breaks.
        text: The text as it was read, with every run of whitespace as one space.
        start: Where in `written` the text begins, behind quotes or a block's mark.
    """

    path: Path
    line: int
    column: int
    written: str
    text: str
    start: int = 0

    def place_of(self, offset: int) -> tuple[int, int]:
        """1-based line and column of a 0-based offset into `text`.

        Escapes and line breaks of the file make the text shorter than what is written; both are
        read side by side. Where they differ otherwise, such as a letter that was written as a
        number, the place is that of the text's beginning.
        """
        at = self.start
        for char in self.text[: offset + 1]:
            while at < len(self.written) and not _is_same(self.written[at], char):
                at += 1
            at += 1
            if char == " ":
                while at < len(self.written) and self.written[at].isspace():
                    at += 1
        # A fault at the text's end has no character of its own.
        at = at if offset >= len(self.text) else at - 1
        if at > len(self.written):
            return self.line, self.column
        before = self.written[:at]
        line_start = before.rfind("\n") + 1
        column = len(before) - line_start + 1
        return self.line + before.count("\n"), column if line_start else self.column + column - 1


def _is_same(written: str, read: str) -> bool:
    return written == read or (read == " " and written.isspace())


def content_start(written: str) -> int:
    """Where the text of a YAML scalar begins: behind a quote or the header of a block."""
    if written[:1] in ("'", '"'):
        return 1
    if written[:1] in ("|", ">"):
        return written.find("\n") + 1
    return 0
