"""People's decisions as the review page sees them: read once, then followed as the file grows.

Other programs append to decisions.jsonl, too (`audit`, another page), so every look begins with its
size. A file that was edited is read again from its beginning.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

from isekai_gen.errors import ChecksumError
from isekai_gen.records import Decision
from isekai_gen.workspace import Workspace


@dataclass(frozen=True)
class Change:
    """What is in force for an image or a pair, before and after.

    Attributes:
        images: One id, or two.
        before: None if nothing was decided, or it was taken back.
        after: Likewise.
    """

    images: tuple[str, ...]
    before: Decision | None
    after: Decision | None


class DecisionLog:
    """decisions.jsonl in memory.

    Attributes:
        said: Every decision on each image or pair, in the order they were made.
        in_force: The last one, where it was not taken back.
        lines: How many there are in all.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._path = workspace.decisions_file
        self._edited = False  # and could not be read since
        self._forget()

    def _forget(self) -> None:
        self.said: dict[tuple[str, ...], list[Decision]] = {}
        self.in_force: dict[tuple[str, ...], Decision] = {}
        self.lines = 0
        self._stamp: tuple[int, int] = (0, 0)
        self._read = 0
        self._last_line = b""

    def follow(self) -> Sequence[Change] | None:
        """Read what is new; None if the file was edited, so that everything may have changed.

        Raises:
            ChecksumError: If a line is no decision; names it.
        """
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return ()
        self._edited |= stamp[0] <= self._read or not self._begins_as_before()
        grown = not self._edited
        if not grown:
            self._forget()
        added = self._read_on()
        self._stamp, self._edited = stamp, False
        changes = [self._take(decision) for decision in added]
        return changes if grown else None

    def _stamp_now(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_size, found.st_mtime_ns)

    def _begins_as_before(self) -> bool:
        """Whether the last line that was read still ends where it did."""
        with self._path.open("rb") as file:
            file.seek(self._read - len(self._last_line))
            return file.read(len(self._last_line)) == self._last_line

    def _read_on(self) -> list[Decision]:
        """The decisions behind what was read; a torn last line waits."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read, os.SEEK_SET)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        decisions = []
        lines = whole.splitlines(keepends=True)
        for number, line in enumerate(lines, start=self.lines + 1):
            try:
                decisions.append(Decision.from_json(json.loads(line)))
            except (ValueError, TypeError, KeyError) as error:
                raise ChecksumError(f"{self._path}:{number}: {error}") from error
        self._read += len(whole)
        self._last_line = lines[-1] if lines else self._last_line
        return decisions

    def _take(self, decision: Decision) -> Change:
        images = decision.images
        before = self.in_force.pop(images, None)
        after = None if decision.choice == "undecided" else decision
        if after is not None:
            self.in_force[images] = after
        self.said.setdefault(images, []).append(decision)
        self.lines += 1
        return Change(images, before, after)

    def of_image(self, image_id: str) -> Decision | None:
        """What is in force for an image."""
        return self.in_force.get((image_id,))

    def naming(self, image_id: str) -> list[Decision]:
        """Every decision that names an image, alone or in a pair, oldest first."""
        found = [
            decision
            for images, decisions in self.said.items()
            if image_id in images
            for decision in decisions
        ]
        return sorted(found, key=lambda decision: decision.at)
