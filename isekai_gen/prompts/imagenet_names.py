"""What ImageNet's classes are called: wnids, their names (WordNet lemmas) and definitions.

timm carries these tables as text files in its package; nothing is copied. They are read where they
lie, because importing timm, also through `importlib.resources`, would import torch.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from isekai_gen.errors import MissingDependencyError
from isekai_gen.optional import INSTALL_BY_MODULE

_PLURALS = (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", ""))
_SHORTEST_PLURAL = 4  # "gas" and "bus" are no plurals


@dataclass(frozen=True, eq=False)
class ImageNetNames:
    """ImageNet's classes by wnid, and wnids by name.

    Attributes:
        lemmas: wnid to its names, such as ("porcupine", "hedgehog"); all 21,844 classes.
        definitions: wnid to WordNet's definition.
        classes_1k: The wnids of ImageNet-1k.
        wnids_by_form: Form of a name (`name_forms`) to the wnids so called.
    """

    lemmas: Mapping[str, tuple[str, ...]]
    definitions: Mapping[str, str]
    classes_1k: frozenset[str]
    wnids_by_form: Mapping[str, Set[str]]

    def wnids_of(self, name: str) -> tuple[str, ...]:
        """The classes called so, in singular or plural, with or without spaces and dashes.

        Classes of ImageNet-1k come first, then the lower wnid.
        """
        found = {wnid for form in name_forms(name) for wnid in self.wnids_by_form.get(form, ())}
        return tuple(sorted(found, key=lambda wnid: (wnid not in self.classes_1k, wnid)))

    def speaks_of(self, wnid: str, name: str) -> bool:
        """Whether a class's names or definition contain `name` as words."""
        said = " ".join([*self.lemmas[wnid], self.definitions[wnid]])
        return contains_words(said, name)

    def title(self, wnid: str) -> str:
        """For people: the wnid, its names, and whether it is one of the 1,000 classes."""
        which = "ImageNet-1k" if wnid in self.classes_1k else "ImageNet-21k"
        return f"{wnid} ({', '.join(self.lemmas[wnid])}; {which})"


@cache
def read_imagenet_names() -> ImageNetNames:
    """Read timm's tables.

    Raises:
        MissingDependencyError: If timm, which comes with open_clip_torch, is not installed, or
            its tables are not where they are in timm 1.0.
    """
    lemmas = {wnid: tuple(names.split(", ")) for wnid, names in _read_table("to_lemma").items()}
    wnids_by_form: dict[str, set[str]] = {}
    for wnid, names in lemmas.items():
        for name in names:
            for form in name_forms(name):
                wnids_by_form.setdefault(form, set()).add(wnid)
    return ImageNetNames(
        lemmas=lemmas,
        definitions=_read_table("to_definition"),
        classes_1k=frozenset(_read("imagenet_synsets.txt")),
        wnids_by_form=wnids_by_form,
    )


def name_forms(name: str) -> frozenset[str]:
    """Letters and digits of a name, case-folded and without accents, and what it may be plural of.

    Two names are taken for one if they share a form: "Ice-Creams" has "icecreams" and "icecream".
    A form need be no word ("glasse"): it only has to meet its like.
    """
    plain = "".join(char for char in _folded(name) if char.isalnum())
    return frozenset({plain, *_singulars(plain)}) - {""}


def contains_words(text: str, name: str) -> bool:
    """Whether the words of `name` stand in `text` one after the other, singular or plural."""
    words, wanted = _word_forms(text), _word_forms(name)
    return bool(wanted) and any(
        all(there & sought for there, sought in zip(words[start:], wanted, strict=False))
        for start in range(len(words) - len(wanted) + 1)
    )


def _word_forms(text: str) -> list[frozenset[str]]:
    return [name_forms(word) for word in re.findall(r"[^\W_]+", _folded(text))]


def _folded(name: str) -> str:
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


def _singulars(word: str) -> list[str]:
    if len(word) < _SHORTEST_PLURAL or word.endswith("ss"):
        return []
    return [
        word.removesuffix(plural) + singular
        for plural, singular in _PLURALS
        if word.endswith(plural)
    ]


def _read_table(name: str) -> dict[str, str]:
    rows = (line.split("\t", 1) for line in _read(f"imagenet_synset_{name}.txt"))
    return {wnid: text for wnid, text in rows}


def _read(name: str) -> list[str]:
    found = find_spec("timm")
    if found is None:
        raise MissingDependencyError(
            "timm, which has ImageNet's class names, is not installed; run: "
            f"{INSTALL_BY_MODULE['timm']}"
        )
    for folder in found.submodule_search_locations or []:
        path = Path(folder) / "data" / "_info" / name
        if path.is_file():
            return path.read_text(encoding="utf-8").splitlines()
    raise MissingDependencyError(
        f"timm's table {name} of ImageNet's classes is not there: "
        "run `pip install --force-reinstall timm`"
    )
