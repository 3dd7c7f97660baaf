"""Names that are taken by the other inventions of a catalog."""

from __future__ import annotations

from collections.abc import Iterable

from isekai_gen.manifests.names import check_label_pair
from isekai_gen.proposals.edit_similarity import count_edits
from isekai_gen.proposals.name_checks import allowed_edits, name_stems, plain_letters


class TakenNames:
    """Names of invented things, which must be told apart by the metric and by hasty readers."""

    def __init__(self, names: Iterable[str]) -> None:
        """Begin with names, which may clash with each other."""
        self._names: list[tuple[str, str, int]] = []
        self._stems: set[str] = set()
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Take a name."""
        self._names.append((name, plain_letters(name), allowed_edits(name)))
        self._stems |= name_stems(name)

    def clash(self, name: str) -> bool:
        """Whether a name shares a stem with one that is taken, or lies within a letter or two."""
        letters, edits = plain_letters(name), allowed_edits(name)
        return not self._stems.isdisjoint(name_stems(name)) or any(
            _few_edits(letters, theirs, min(edits, allowed)) or check_label_pair(name, taken)
            for taken, theirs, allowed in self._names
        )


def _few_edits(a: str, b: str, most: int) -> bool:
    return abs(len(a) - len(b)) <= most and count_edits(a, b) <= most
