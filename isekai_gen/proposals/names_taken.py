"""Names that are taken: by words of the web, and by the other inventions of a catalog."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from isekai_gen.errors import MissingDependencyError
from isekai_gen.manifests.names import check_label_pair
from isekai_gen.optional import INSTALL_BY_MODULE
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


@cache
def clip_words() -> frozenset[str]:
    """The whole words of CLIP's vocabulary: letters a to z only, at least three.

    Read where open_clip has it, because importing open_clip would import torch.

    Raises:
        MissingDependencyError: If open_clip is not installed or the file is not where it was.
    """
    found = find_spec("open_clip")
    folders = [] if found is None else found.submodule_search_locations or []
    for folder in folders:
        path = Path(folder) / "bpe_simple_vocab_16e6.txt.gz"
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                merged = ("".join(line.split()) for line in lines)
                ends = (word.removesuffix("</w>") for word in merged if word.endswith("</w>"))
                return frozenset(w for w in ends if len(w) > 2 and w.isascii() and w.isalpha())
    raise MissingDependencyError(
        "CLIP's vocabulary, which open_clip has, is not there; run: "
        f"{INSTALL_BY_MODULE['open_clip']}"
    )
