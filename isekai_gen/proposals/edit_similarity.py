"""Which of many words are spelled nearly like another: at most so many letters edited.

An edit inserts, deletes or replaces one letter (Levenshtein, 1966). A word cut into k + 1 pieces
has at least one piece that k edits leave whole, and that piece moves by at most k places; so an
index of pieces by place finds all candidates, and only those are compared (Li, Deng, Wang and
Feng, "PASS-JOIN: A Partition-based Method for Similarity Joins", PVLDB 2011).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator

_Piece = tuple[int, int, str]


def count_edits(a: str, b: str) -> int:
    """The least number of edits that turn one word into the other.

    With the columns of the table as bits of one integer: Myers, "A fast bit-vector algorithm for
    approximate string matching", JACM 1999, as simplified by Hyyrö, 2001.
    """
    if not a:
        return len(b)
    places: dict[str, int] = {}
    for place, letter in enumerate(a):
        places[letter] = places.get(letter, 0) | 1 << place
    mask, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    above, below, edits = mask, 0, len(a)
    for letter in b:
        match = places.get(letter, 0)
        diagonal = (((match & above) + above) ^ above) | match | below
        more = below | ~(diagonal | above)
        less = diagonal & above
        edits += bool(more & last) - bool(less & last)
        more = more << 1 | 1
        above = (less << 1 | ~(diagonal | more)) & mask
        below = more & diagonal & mask
    return edits


class NearSpellings:
    """Finds words that are at most so many edits away.

    Attributes:
        max_edits: So many.
    """

    def __init__(self, words: Iterable[str], max_edits: int) -> None:
        """Index the words; those not longer than `max_edits` letters are left out.

        Raises:
            ValueError: If `max_edits` is not positive.
        """
        if max_edits < 1:
            raise ValueError(f"max_edits must be at least 1, got {max_edits}")
        self.max_edits = max_edits
        self._words: dict[_Piece, list[str]] = defaultdict(list)
        for word in dict.fromkeys(words):
            if len(word) > max_edits:
                for number, (start, end) in enumerate(_borders(len(word), max_edits)):
                    self._words[len(word), number, word[start:end]].append(word)

    def near(self, word: str) -> list[tuple[int, str]]:
        """The indexed words near `word`, with their edits; the nearest first, itself if there."""
        edits = ((count_edits(word, found), found) for found in set(self._candidates(word)))
        return sorted(pair for pair in edits if pair[0] <= self.max_edits)

    def _candidates(self, word: str) -> Iterator[str]:
        reach = self.max_edits
        for length in range(max(reach + 1, len(word) - reach), len(word) + reach + 1):
            for number, (start, end) in enumerate(_borders(length, reach)):
                for shift in range(-min(reach, start), reach + 1):
                    piece = word[start + shift : end + shift]
                    yield from self._words.get((length, number, piece), ())


def _borders(length: int, max_edits: int) -> list[tuple[int, int]]:
    """Where the pieces of a word of this length begin and end; each has at least one letter."""
    pieces = max_edits + 1
    cuts = [length * number // pieces for number in range(pieces + 1)]
    return list(itertools.pairwise(cuts))
