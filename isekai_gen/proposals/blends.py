"""New words made of two: the beginning of one runs over into the end of the other."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

MIN_LETTERS = 5
MAX_LETTERS = 12
# A shorter splinter no longer reminds of its word: "ca" is of a hundred things.
_MIN_SPLINTER = 3
_SHORT = 4  # such words are told by two letters already
_LINKS = "io"  # vowels that join words as in "cact-i-form" and "hydr-o-gen"
_VOWELS = "aeiouy"
# Where a syllable may begin: at a consonant (with those that are said together) before a vowel.
_ONSET = re.compile(
    r"(?:[bcfgkp][lr]|[dt]r|s[hclkmnptw]|str|sch|[cpt]h|wh|qu|tw|[^aeiouy])[aeiouy]"
)


@dataclass(frozen=True)
class Blend:
    """A new word.

    Attributes:
        word: The word, lower case, letters only.
        first: The word that its beginning is from.
        last: The word that its end is from.
        kept: Which part is still there of the word that lost more, in (0, 1].
        overlap: Letters that both lend.
    """

    word: str
    first: str
    last: str
    kept: float
    overlap: int


def blends_of(first: str, last: str) -> tuple[Blend, ...]:
    """All blends of the beginning of one word with the end of another, in no special order.

    Splinters end and begin at syllables, with a vowel between them where that is easier to say
    ("cact-i-hog"); where an end of the beginning is the start of the end, both share it ("lam-b"
    and "b-oat"). (The kinds of blends: Gries, "Shouldn't it be breakfunch?", 2004.)

    Args:
        first: Letters a to z only; what is said first.
        last: Letters a to z only; an empty word blends with none.
    """
    found: dict[str, Blend] = {}
    if not (first and last):
        return ()
    for blend in (*_overlapping(first, last), *_joined(first, last)):
        known = found.get(blend.word)
        fits = MIN_LETTERS <= len(blend.word) <= MAX_LETTERS
        if fits and blend.word not in (first, last) and (known is None or blend.kept > known.kept):
            found[blend.word] = blend
    return tuple(found.values())


def syllable_starts(word: str) -> tuple[int, ...]:
    """Places where a syllable may begin, by spelling, 0 left out."""
    starts = {match.start() for at in range(len(word)) if (match := _ONSET.match(word, at))}
    # A consonant that belongs to a longer onset begins no syllable: "b-r-ush" is one.
    return tuple(
        sorted(
            at
            for at in starts
            if at > 0 and not any(_covers(word, other, at) for other in starts if other < at)
        )
    )


def _covers(word: str, start: int, at: int) -> bool:
    match = _ONSET.match(word, start)
    return match is not None and match.start() < at < match.end() - 1 and word[at] not in _VOWELS


def _joined(first: str, last: str) -> Iterator[Blend]:
    least = _least(last)
    starts = [0, *(start for start in syllable_starts(last) if len(last) - start >= least)]
    for cut, start in itertools.product(_cuts(first), starts):
        if cut == len(first) and start == 0:
            continue
        head, tail = first[:cut], last[start:]
        kept = min(cut / len(first), len(tail) / len(last))
        # Two vowels or the same consonant in a row are no seam that one reads over.
        if head[-1] != tail[0] and not (head[-1] in _VOWELS and tail[0] in _VOWELS):
            yield Blend(head + tail, first, last, kept, 0)
        if head[-1] not in _VOWELS and tail[0] not in _VOWELS:
            for link in _LINKS:
                yield Blend(head + link + tail, first, last, kept, 0)


def _cuts(word: str) -> list[int]:
    """How many letters a splinter from the beginning may have: up to a vowel or past it."""
    return [
        cut
        for cut in range(_least(word), len(word) + 1)
        if cut == len(word) or (word[cut - 1] in _VOWELS) != (word[cut] in _VOWELS)
    ]


def _overlapping(first: str, last: str) -> Iterator[Blend]:
    least = _least(last)
    for shared, cut in itertools.product((4, 3, 2), range(_least(first), len(first) + 1)):
        if cut < shared:
            continue
        seam = first[cut - shared : cut]
        for at in range(len(last) - least + 1):
            if last.startswith(seam, at) and not (cut == len(first) and at == 0):
                kept = min(cut / len(first), (len(last) - at) / len(last))
                yield Blend(first[:cut] + last[at + shared :], first, last, kept, shared)


def _least(word: str) -> int:
    return _MIN_SPLINTER if len(word) > _SHORT else _MIN_SPLINTER - 1
