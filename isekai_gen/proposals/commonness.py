"""How well known a thing is, by how CLIP's tokenizer writes its name.

Byte-pair encoding joins the pairs that are most frequent first (Sennrich et al., "Neural Machine
Translation of Rare Words with Subword Units", ACL 2016), so the place of the merge that completes
a word orders words by how frequent they are. open_clip carries 262,144 merges, of which CLIP uses
the first 48,894. A word that is never completed, or late, is as common as it falls into few pieces
under CLIP's: "peacock" into two.
"""

from __future__ import annotations

import gzip
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from isekai_gen.errors import MissingDependencyError
from isekai_gen.optional import INSTALL_BY_MODULE

_TABLE = "bpe_simple_vocab_16e6.txt.gz"
_CLIP_MERGES = 48_894  # 49,152 tokens less 256 bytes and two marks
# Some everyday words ("computer") come late in the table for reasons of its own; these alone can
# gain by their pieces, of which they have two at least.
_SURE = 0.5
_WORD_END = "</w>"
_WORD = re.compile(r"[a-z]+")
# CLIP's own way to split a text, for ASCII.
_SPLIT = re.compile(r"'(?:s|t|re|ve|m|ll|d)|[a-z]+|[0-9]|[^\sa-z0-9]+")


def commonness_of(name: str) -> float:
    """How common the rarest word of a name is, in [0, 1]; 0 for a name without words.

    "dog" has 0.99, "hedgehog" 0.92, "axolotl" 0.54, "peacock" 0.33.

    Raises:
        MissingDependencyError: If open_clip, or its table, is not there.
    """
    # "Venus's" is a form of "venus": the s alone says nothing.
    words = _WORD.findall(name.casefold().replace("'s", ""))
    return min((_of_word(word) for word in words), default=0.0)


def count_of_tokens(text: str) -> int:
    """Tokens that CLIP's tokenizer makes of an ASCII text, without its marks at both ends.

    Raises:
        MissingDependencyError: If open_clip, or its table, is not there.
    """
    return sum(_tokens_of(part) for part in _SPLIT.findall(text.casefold()))


def web_words() -> frozenset[str]:
    """The 192,159 words of letters a to z, three at least, that a merge completes.

    Raises:
        MissingDependencyError: If open_clip, or its table, is not there.
    """
    words = _read_merges().place_of_word
    return frozenset(word for word in words if len(word) > 2 and word.isascii() and word.isalpha())


@cache
def _tokens_of(part: str) -> int:
    return len(_pieces(part, _read_merges().place_of_pair))


@cache
def _of_word(word: str) -> float:
    merges = _read_merges()
    place = merges.place_of_word.get(word)
    by_place = 0.0 if place is None else 1 - place / merges.number
    if by_place >= _SURE:
        return by_place
    return max(by_place, 1 / len(_pieces(word, merges.place_of_pair)))


def _pieces(word: str, place_of_pair: Mapping[tuple[str, str], int]) -> list[str]:
    """What byte-pair encoding makes of a word: one piece if CLIP knows it whole."""
    pieces = [*word[:-1], word[-1] + _WORD_END]
    while len(pieces) > 1:
        pair = min(
            itertools.pairwise(pieces), key=lambda pair: place_of_pair.get(pair, _CLIP_MERGES)
        )
        if pair not in place_of_pair:
            break
        at = next(i for i, here in enumerate(itertools.pairwise(pieces)) if here == pair)
        pieces[at : at + 2] = ["".join(pair)]
    return pieces


@dataclass(frozen=True)
class _Merges:
    """The table.

    Attributes:
        number: How many merges it has.
        place_of_word: Whole words to the 0-based place of the merge that completes them.
        place_of_pair: Pairs to their place, for the merges that CLIP uses.
    """

    number: int
    place_of_word: Mapping[str, int]
    place_of_pair: Mapping[tuple[str, str], int]


@cache
def _read_merges() -> _Merges:
    lines = _read_table().splitlines()[1:]  # the first is a version
    words: dict[str, int] = {}
    pairs: dict[tuple[str, str], int] = {}
    for place, line in enumerate(lines):
        if line.endswith(_WORD_END):
            words.setdefault(line.removesuffix(_WORD_END).replace(" ", "", 1), place)
        if place < _CLIP_MERGES:
            left, _, right = line.partition(" ")
            pairs[left, right] = place
    return _Merges(len(lines), words, pairs)


def _read_table() -> str:
    # Found without importing open_clip, which would import torch.
    found = find_spec("open_clip")
    if found is None:
        raise MissingDependencyError(
            "open_clip, whose tokenizer tells common words from rare ones, is not installed; run: "
            f"{INSTALL_BY_MODULE['open_clip']}"
        )
    for folder in found.submodule_search_locations or []:
        path = Path(folder) / _TABLE
        if path.is_file():
            return gzip.decompress(path.read_bytes()).decode("utf-8")
    raise MissingDependencyError(
        f"open_clip's table {_TABLE} is not there: "
        "run `pip install --force-reinstall open_clip_torch`"
    )
