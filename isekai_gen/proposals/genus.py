"""What kind of thing an ImageNet class is, read off its definition.

A definition in the classical manner names the genus first, then what sets the thing apart: "large
edible crab of the southern coast". The head of that first noun phrase, found again among the names
of other classes, is the class's genus (Amsler, "A taxonomy for English nouns and verbs", ACL 1981).
It is right for most, not for all: nothing but search words and default traits may hang on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from isekai_gen.prompts.imagenet_names import ImageNetNames, name_forms

# WordNet numbers its files: the first digits of an offset tell what a noun is about.
_FAMILIES = (
    (1300000, 2665500, "animal"),
    (2665500, 4620000, "artifact"),
    (7550000, 7950000, "food"),
    (9180000, 9500000, "nature"),
    (9500000, 11400000, "person"),
    (11500000, 13200000, "plant"),
)
_MAX_DEPTH = 8
_MAX_WORDS = 12
_WORD = re.compile(r"[a-z][a-z'-]*")
_ASIDE = re.compile(r"\([^)]*\)")
# What follows the genus: relative clauses, participles, prepositions.
_STOP = re.compile(
    r"that|which|who|whose|with|without|having|has|of|for|from|in|on|at|by|to|used|worn|made"
    r"|consisting|resembling|found|living|native|where|when|as|usually|often|similar|belonging"
    r"|characterized|noted|sometimes|especially|widely|formerly|bearing|producing|containing|is"
    r"|are|chiefly|designed|intended|able|common|inhabiting|ranging|occurring|cultivated|grown"
)
_LISTING = re.compile(
    r"^(?:(?:an?|the|any|some|of|one|member|kind|type|variety|species|piece|small|article|genus"
    r"|family|order|class|various|numerous|several|many|different|certain)\b\s*)+"
)


def family_of(wnid: str) -> str:
    """What a class is about.

    Returns:
        "animal", "artifact", "food", "nature", "person", "plant" (and fungi), or "other".
    """
    offset = int(wnid[1:])
    return next((name for low, high, name in _FAMILIES if low <= offset < high), "other")


@cache
def kinds_of(wnid: str, imagenet: ImageNetNames) -> tuple[str, ...]:
    """The classes above a class, the nearest first; () where its definition names none.

    Raises:
        KeyError: If there is no such class.
    """
    chain: list[str] = []
    above = _genus_of(wnid, imagenet)
    while above is not None and above not in (wnid, *chain) and len(chain) < _MAX_DEPTH:
        chain.append(above)
        above = _genus_of(above, imagenet)
    return tuple(chain)


@cache
def _genus_of(wnid: str, imagenet: ImageNetNames) -> str | None:
    family = family_of(wnid)
    own = set(imagenet.lemmas[wnid])
    for phrase in _head_phrases(imagenet.definitions[wnid]):
        found = [
            other
            for other in imagenet.wnids_of(phrase)
            if other != wnid
            and family_of(other) == family
            and own.isdisjoint(imagenet.lemmas[other])
        ]
        if found:
            # Of several meanings, the one whose first name it is.
            forms = name_forms(phrase)
            return min(
                found,
                key=lambda other: (forms.isdisjoint(name_forms(imagenet.lemmas[other][0])), other),
            )
    return None


def _head_phrases(definition: str) -> Iterator[str]:
    """Word groups that may be the genus, the most telling first: ends last, longest first."""
    plain = _LISTING.sub("", _ASIDE.sub(" ", definition.lower()).strip(), count=1)
    words: list[str] = []
    for token in re.split(r"\s+|(?=[,;:])", plain):
        # A comma ends the phrase, but not in "a large, rotating machine".
        if token[:1] in (",", ";", ":") and words and words[-1] not in ("large", "small"):
            break
        found = _WORD.search(token)
        if found is None:
            break
        if not _STOP.fullmatch(found.group()):
            words.append(found.group())
        elif words:  # at the start, "usually" or "of" only leads to the genus
            break
    words = words[:_MAX_WORDS]
    for end in range(len(words), 0, -1):
        for start in range(max(0, end - 3), end):
            yield " ".join(words[start:end])
