"""The text of a template: literal words and {slots}, and how values and articles fill it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from isekai_gen.prompts.fields import squeezed

ARTICLE = "a"
# Slots that every concept fills, beside the article.
CONCEPT_SLOTS = ("name", "short", "description", "concept_negative")
OWN_SLOTS = frozenset((ARTICLE, *CONCEPT_SLOTS))
SLOT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
# Written with a vowel but spoken with a consonant: "a unicorn", "a European", "a one-eyed cat".
_SPOKEN_CONSONANT = re.compile(r"eu|ew|on(?:e|ce)(?![a-z])|u(?:ni(?!n|m|d)|[bcfhjkqrst][aeiou]|fo)")
# Written with a consonant but spoken with a vowel: "an hour", "an x-ray", "an 8-legged goat".
_SPOKEN_VOWEL = re.compile(r"hour|honest|hono|heir|x-|8|1[18](?!\d)")
_LETTERS_WITH_VOWEL = frozenset("AEFHILMNORSX")


@dataclass(frozen=True)
class Piece:
    """A part of a pattern: a slot's name, or literal text."""

    text: str
    is_slot: bool


@dataclass(frozen=True)
class Pattern:
    """A parsed template text.

    Attributes:
        pieces: Literal texts and slots, in order.
    """

    pieces: tuple[Piece, ...]

    @property
    def slots(self) -> tuple[str, ...]:
        """Slot names in order of first appearance, without the article."""
        names = (piece.text for piece in self.pieces if piece.is_slot and piece.text != ARTICLE)
        return tuple(dict.fromkeys(names))

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with every slot replaced; values are never parsed again.

        An empty value leaves no double space and no stray comma behind.

        Raises:
            KeyError: If a slot has no value.
        """
        # From the end, because an article depends on the word after it.
        text = ""
        for piece in reversed(self.pieces):
            if not piece.is_slot:
                text = piece.text + text
            elif piece.text == ARTICLE:
                text = article_for(text) + text
            else:
                text = values[piece.text] + text
        return _without_stray_commas(squeezed(text))


def parse_pattern(text: str) -> Pattern:
    """Parse "{a} {size} {short}"; `{{` and `}}` stand for braces.

    Raises:
        ValueError: If braces are unbalanced or a slot's name is none; says where.
    """
    pieces: list[Piece] = []
    literal, position = "", 0
    for token in _TOKEN.finditer(text):
        literal += text[position : token.start()]
        position = token.end()
        if token.group() in ("{{", "}}"):
            literal += token.group()[0]
        elif token.group(1) is None:
            raise ValueError(
                f"unbalanced {token.group()!r} at character {token.start() + 1}; "
                "write {slot}, or {{ and }} for braces"
            )
        elif not SLOT_NAME.fullmatch(token.group(1)):
            raise ValueError(
                f"{token.group()[:42]!r} is no slot; use lower-case letters, digits and _, "
                "or {{ and }} for braces"
            )
        else:
            if literal:
                pieces.append(Piece(literal, is_slot=False))
            literal = ""
            pieces.append(Piece(token.group(1), is_slot=True))
    literal += text[position:]
    if literal:
        pieces.append(Piece(literal, is_slot=False))
    return Pattern(tuple(pieces))


def has_word(text: str) -> bool:
    """Whether an article could stand before `text`."""
    return _WORD.search(text) is not None


def article_for(text: str) -> str:
    """The article of the first word of `text`, by spelling: a or an; "" if it has no word."""
    found = _WORD.search(text)
    if found is None:
        return ""
    word = found.group()
    # Short capitals are spelled out: "an LED lamp", "a USB fan".
    if 1 < len(word) <= 4 and word.isupper() and word.isalpha():
        return "an" if word[0] in _LETTERS_WITH_VOWEL else "a"
    plain = unicodedata.normalize("NFKD", word).lower()
    if _SPOKEN_VOWEL.match(plain):
        return "an"
    if _SPOKEN_CONSONANT.match(plain):
        return "a"
    return "an" if plain[0] in "aeiou" else "a"


def _without_stray_commas(text: str) -> str:
    text = re.sub(r"\s+([,.;])", r"\1", text)
    text = re.sub(r",(?:\s*,)+", ",", text)
    return text.strip(", ")
