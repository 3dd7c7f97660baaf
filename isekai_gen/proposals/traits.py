"""What a real thing can lend to another: parts and looks, as phrases that sentences can be made of.

The forms are part of the contract with whoever writes the sentences (`TRAIT_FORMS`): a phrase of
one trait can stand where every other phrase of that trait stands.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, fields
from types import MappingProxyType

MAX_WORDS = 14
_LIMITS = MappingProxyType({"colors": 3, "material": 5, "surface": 12})
_ARTICLE = re.compile(r"(?:a|an|the)\s")
_ENDING = re.compile(r"[.,;:!?]$")
_PLACE = re.compile(
    r"(?:on|in|at|by|under|below|beside|among|inside|over|near|above|along|between|against|behind"
    r"|next to|in front of|around|outside)\s"
)
_PLAIN = re.compile(r"[a-z][a-z0-9' ,-]*[a-z0-9]")

TRAIT_FORMS = MappingProxyType(
    {
        "surface": "covered in ...; plural or uncountable, so without an article",
        "limbs": "with ...; what moves, carries or sticks out, with a number or an article",
        "head": "with ...; the end that faces the viewer, with an article or a number",
        "material": "made of ...; uncountable, so without an article",
        "habitat": "(a setting); begins with a preposition, so that it can end a sentence",
        "build": "with ...; the silhouette, with a or an",
        "colors": "the ... one; a color of one to three words, the strongest first",
    }
)
"""Trait to the place where its phrases must read well."""


@dataclass(frozen=True)
class Traits:
    """What a thing can lend; each a tuple of phrases, the most typical first, some empty.

    Attributes:
        surface: What it is covered in: "short brown and cream quills".
        limbs: What it has for limbs: "four short legs with small claws", "two small wheels".
        head: What its head or front end is like: "a pointed snout and black button eyes".
        material: What it is made of: "brushed steel".
        habitat: Where it is seen, with a preposition: "on fallen autumn leaves".
        build: Its silhouette: "a small round body".
        colors: Its colors: "cream".
    """

    surface: tuple[str, ...] = ()
    limbs: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    material: tuple[str, ...] = ()
    habitat: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()

    def of(self, trait: str) -> tuple[str, ...]:
        """The phrases of one trait.

        Raises:
            KeyError: If there is no such trait.
        """
        if trait not in TRAIT_FORMS:
            raise KeyError(trait)
        phrases: tuple[str, ...] = getattr(self, trait)
        return phrases

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to lend."""
        return not any(self.of(name) for name in TRAIT_NAMES)


TRAIT_NAMES = tuple(field.name for field in fields(Traits))
"""All traits, in the order in which they are documented."""


def trait_fault(trait: str, phrase: str) -> str | None:
    """What keeps a phrase from standing where its trait's phrases stand; None if nothing does.

    Args:
        trait: One of `TRAIT_NAMES`.
        phrase: On one line, without whitespace at its ends.

    Returns:
        "what is wrong; what to do".
    """
    fault = _form_fault(trait, phrase)
    if fault is not None:
        return fault
    words = phrase.replace(",", " ").split()
    limit = _LIMITS.get(trait, MAX_WORDS)
    if len(words) > limit:
        return f"has {len(words)} words; at most {limit} are allowed"
    double = next((a for a, b in itertools.pairwise(words) if a == b), None)
    return f"says {double!r} twice in a row; remove one" if double else None


def _form_fault(trait: str, phrase: str) -> str | None:
    if phrase[:1].isupper():
        return "begins with a capital letter; write it in lower case"
    if _ENDING.search(phrase):
        return "ends with a punctuation mark; remove it"
    if not _PLAIN.fullmatch(phrase):
        return "must be lower-case ASCII words with commas, dashes and apostrophes; rewrite it"
    has_article = _ARTICLE.match(phrase) is not None
    if trait in ("surface", "material", "colors") and has_article:
        return f"begins with an article; it must fit '{TRAIT_FORMS[trait]}'"
    if trait == "build" and not has_article:
        return "lacks the article in front; write 'a ...' or 'an ...'"
    if trait == "habitat" and not _PLACE.match(phrase):
        return "begins with no preposition; write 'on ...', 'in ...', 'under ...'"
    return None
