"""English articles by spelling, and the tidying of text whose slots may be empty."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from isekai_gen.prompts.faults import squeezed

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
# Written with a vowel but spoken with a consonant: "a unicorn", "a European", "a one-eyed cat".
_SPOKEN_CONSONANT = re.compile(r"eu|ew|on(?:e|ce)(?![a-z])|u(?:ni(?!n|m|d)|[bcfhjkqrst][aeiou]|fo)")
# Written with a consonant but spoken with a vowel: "an hour", "an x-ray", "an 8-legged goat".
_SPOKEN_VOWEL = re.compile(r"hour|honest|hono|heir|x-|8|1[18](?!\d)")
_LETTERS_WITH_VOWEL = frozenset("AEFHILMNORSX")


def has_word(text: str) -> bool:
    """Whether an article could stand before `text`."""
    return _WORD.search(text) is not None


def article_for(text: str) -> str:
    """The article of the first word of `text`, by spelling: a or an; "" if it has no word."""
    found = _WORD.search(text)
    return "" if found is None else _article_of(found.group())


def sure_article(text: str) -> str | None:
    """The article before `text`, whatever comes after it; None if its first word may go on."""
    found = _WORD.search(text)
    # A "-" or "'" at the end may join the word to what comes next.
    if found is None or text[found.end() : found.end() + 1] in ("", "-", "'"):
        return None
    return _article_of(found.group())


@lru_cache(maxsize=4096)
def _article_of(word: str) -> str:
    # Short capitals are spelled out: "an LED lamp", "a USB fan".
    if 1 < len(word) <= 4 and word.isupper() and word.isalpha():
        return "an" if word[0] in _LETTERS_WITH_VOWEL else "a"
    plain = unicodedata.normalize("NFKD", word).lower()
    if _SPOKEN_VOWEL.match(plain):
        return "an"
    if _SPOKEN_CONSONANT.match(plain):
        return "a"
    return "an" if plain[0] in "aeiou" else "a"


def tidied(text: str) -> str:
    """`text` without the double spaces and stray commas that empty values leave behind."""
    text = squeezed(text)
    if " ," in text or " ." in text or " ;" in text:
        text = text.replace(" ,", ",").replace(" .", ".").replace(" ;", ";")
    while ",," in text:
        text = text.replace(",,", ",")
    return text.strip(", ")
