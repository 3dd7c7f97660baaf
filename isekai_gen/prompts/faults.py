"""Faults of a user's file, gathered so that all of them are shown at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from isekai_gen.errors import InputError


class Faults:
    """What is wrong in one file, by line.

    Attributes:
        path: The file, as the user named it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._by_line: list[tuple[int, str]] = []

    def add(self, line: int, message: str) -> None:
        """Note "what is wrong; what to do" at a 1-based line, or at 0: the file as a whole."""
        self._by_line.append((line, message))

    def raise_if_any(self, error: type[InputError]) -> None:
        """Raise `error` with one "file:line: message" per fault, in the order of lines.

        Raises:
            InputError: Of the given type, if there is any fault.
        """
        if self._by_line:
            ordered = sorted(self._by_line, key=lambda fault: fault[0])
            raise error("\n".join(f"{self._place(line)}: {text}" for line, text in ordered))

    def _place(self, line: int) -> str:
        return f"{self.path}:{line}" if line else str(self.path)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'X'?"` for the closest known word, or the whole choice if none is close."""
    choice = sorted(known)
    # difflib's time grows with the square of the length: a huge word is close to nothing.
    close = difflib.get_close_matches(word, choice, n=1) if len(word) <= 80 else []
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known here: {', '.join(choice)}"


def quoted(text: str) -> str:
    """`text` in quotes, escaped to one line and cut to a readable length."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
