"""How easily a made-up word is said, judged by the letters of real words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

_LETTERS = 27  # a to z, and the edge of a word
_EDGE = "^"
# Half a count for what was never seen, so that one rare trigram does not condemn a word for good.
_UNSEEN = 0.5
# Chosen on ImageNet's 13,207 lemmas of 5 to 12 letters, each fifth of them held out in turn: both
# limits let 84 % of them pass (Latin names of species are most of the rest), but 2.5 % of strings
# of as many letters drawn as often as in the lemmas, and 4.2 % of the lemmas with letters shuffled.
MIN_EASE = -3.9
# One place that nobody can say must not hide behind easy ones.
MIN_WORST = -8.0


class Pronounceability:
    """Trigrams of letters learned from words.

    The probability of each letter given the two before it, with additive smoothing (Lidstone):
    the model that Shannon drew his third-order English from ("A Mathematical Theory of
    Communication", 1948), here read the other way round.
    """

    def __init__(self, words: Iterable[str]) -> None:
        """Learn from words; those with anything but the letters a to z are left out."""
        self._trigrams: Counter[str] = Counter()
        self._contexts: Counter[str] = Counter()
        for word in sorted(set(words)):
            if word.isascii() and word.isalpha():
                for trigram in _trigrams(word):
                    self._trigrams[trigram] += 1
                    self._contexts[trigram[:2]] += 1
        if not self._trigrams:
            raise ValueError("no word of letters to learn from")
        self._logs = lru_cache(maxsize=None)(self._log_of)

    def ease(self, word: str) -> float:
        """Mean log2 probability of the letters of a word: below 0; higher is easier to say."""
        logs = [self._logs(trigram) for trigram in _trigrams(word)]
        return sum(logs) / len(logs)

    def worst(self, word: str) -> float:
        """The log2 probability of its least likely letter."""
        return min(self._logs(trigram) for trigram in _trigrams(word))

    def is_sayable(self, word: str) -> bool:
        """Whether a word is about as easy to say as real ones."""
        return self.ease(word) >= MIN_EASE and self.worst(word) >= MIN_WORST

    def _log_of(self, trigram: str) -> float:
        seen = self._trigrams[trigram] + _UNSEEN
        return math.log2(seen / (self._contexts[trigram[:2]] + _UNSEEN * _LETTERS))


def _trigrams(word: str) -> list[str]:
    framed = f"{_EDGE}{_EDGE}{word.lower()}{_EDGE}"
    return [framed[at : at + 3] for at in range(len(framed) - 2)]
