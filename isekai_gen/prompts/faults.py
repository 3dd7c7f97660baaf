"""Faults of a user's files, gathered so that all of them are shown at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from isekai_gen.errors import InputError
from isekai_gen.prompts.origins import Origin

_MAX_CHOICE = 20


class Faults:
    """What is wrong in one file and in the files it leads to, by line and column.

    Attributes:
        path: The file, as the user named it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # File to (line, column or 0 for the line as a whole, message).
        self._by_path: dict[Path, list[tuple[int, int, str]]] = {path: []}
        self._told: set[tuple[Path, int, int, str]] = set()

    def add(self, line: int, message: str) -> None:
        """Note "what is wrong; what to do" at a 1-based line, or at 0: the file as a whole."""
        self._by_path[self.path].append((line, 0, message))

    def add_at(self, origin: Origin, offset: int, message: str) -> None:
        """Note a fault at a 0-based place of a text, in the file that the text came from.

        A text may be checked for several templates or concepts: the same fault is told once.
        """
        line, column = origin.place_of(offset)
        if (origin.path, line, column, message) not in self._told:
            self._told.add((origin.path, line, column, message))
            self._by_path.setdefault(origin.path, []).append((line, column, message))

    def include(self, other: Faults) -> None:
        """Note all faults of another file too."""
        for path, found in other._by_path.items():
            self._by_path.setdefault(path, []).extend(found)

    def raise_if_any(self, error: type[InputError]) -> None:
        """Raise `error` with one "file:line:column: message" per fault, in the order of lines.

        Raises:
            InputError: Of the given type, if there is any fault.
        """
        lines = [
            f"{_place(path, line, column)}: {message}"
            for path, found in self._by_path.items()
            for line, column, message in sorted(found, key=lambda fault: fault[:2])
        ]
        if lines:
            raise error("\n".join(lines))


def _place(path: Path, line: int, column: int) -> str:
    return ":".join([str(path), *(str(number) for number in (line, column) if number)])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'X'?"` for the closest known word, or the first known if none is close."""
    choice = sorted(known)
    # difflib's time grows with the square of the length: a huge word is close to nothing.
    close = difflib.get_close_matches(word, choice, n=1) if len(word) <= 80 else []
    if close:
        return f"; did you mean {close[0]!r}?"
    more = f", ... ({len(choice)} in all)" if len(choice) > _MAX_CHOICE else ""
    return f"; known here: {', '.join(choice[:_MAX_CHOICE])}{more}"


def quoted(text: str) -> str:
    """`text` in quotes, escaped to one line and cut to a readable length."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def squeezed(text: str) -> str:
    """`text` with every run of whitespace as one space, and none at its ends."""
    return " ".join(text.split())
