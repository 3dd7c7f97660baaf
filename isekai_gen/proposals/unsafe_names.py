"""Words that a published concept should not have, each with its reason.

Short and ours: it stops the plain cases and says why; it is no moderation service. Slurs are not
listed one by one: those that name people are among ImageNet's own classes of people, and a name
that is one of those is refused as such.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from isekai_gen.prompts.imagenet_names import ImageNetNames, name_forms
from isekai_gen.proposals.genus import family_of
from isekai_gen.proposals.records import PARTS, Finding, Part, Proposal

_BY_REASON = {
    "a brand": (
        "adidas airbus apple-watch audi barbie bmw boeing cadillac chanel chevrolet coca-cola "
        "disney ferrari ford-mustang google gucci heineken honda hyundai ikea ipad iphone "
        "kleenex lamborghini lego mcdonalds mercedes-benz microsoft nestle nike nikon "
        "nintendo nutella pepsi playmobil playstation porsche rolex samsung sony starbucks "
        "toyota volkswagen volvo xbox"
    ),
    "a character that somebody owns": (
        "batman bambi chewbacca darth-vader donald-duck garfield gandalf godzilla "
        "harry-potter hello-kitty mickey-mouse moomin pikachu pokemon shrek "
        "snoopy sonic-the-hedgehog spider-man spongebob superman totoro winnie-the-pooh yoda"
    ),
    "a person": (
        "einstein elon-musk frida-kahlo hitler michael-jackson mona-lisa mozart obama picasso "
        "shakespeare taylor-swift van-gogh"
    ),
    "sexual": "erotic nude nudity porn pornographic sex sexual sexy topless",
    "violent": (
        "beheaded bloody corpse decapitated dismembered gore gory massacre mutilated "
        "suicide terrorist tortured"
    ),
    "hateful": "lynching nazi racist swastika",
}
REASON_BY_WORDS: Mapping[tuple[str, ...], str] = MappingProxyType(
    {
        tuple(entry.split("-")): reason
        for reason, entries in _BY_REASON.items()
        for entry in entries.split()
    }
)
"""Words that follow each other, lower-case, to why they are refused."""
_FIRST_WORDS = frozenset(words[0] for words in REASON_BY_WORDS)


def unsafe_words(text: str) -> tuple[str, str] | None:
    """The first words of `text` that are refused, and why; None if there are none."""
    words = [name_forms(word) for word in _words(re.sub("['\u2019]", "", text))]
    for start, forms in enumerate(words):
        if _FIRST_WORDS.isdisjoint(forms):
            continue
        for listed, reason in REASON_BY_WORDS.items():
            ahead = words[start : start + len(listed)]
            if len(ahead) == len(listed) and all(map(operator.contains, ahead, listed)):
                return " ".join(listed), reason
    return None


def unsafe_findings(proposal: Proposal, imagenet: ImageNetNames) -> Iterator[Finding]:
    """About words of both concepts that should not be published, and names of people."""
    for part in PARTS:
        concept = proposal.part(part)
        texts = {
            "name": concept.name,
            "short": concept.short,
            "description": concept.description,
            "parents": ", ".join(concept.parents),
        }
        for field, text in texts.items():
            found = unsafe_words(text)
            if found:
                yield Finding(
                    "unsafe_words",
                    part,
                    field,
                    f"{found[0]!r} in the {field} of {concept.name!r} is {found[1]}",
                    "say it otherwise, or choose another thing",
                )
        yield from _people(proposal, part, imagenet)


def _people(proposal: Proposal, part: Part, imagenet: ImageNetNames) -> Iterator[Finding]:
    """A name is refused if it, or a word of it, names people and nothing else.

    Words of parents may: a nurse shark is no nurse.
    """
    name = proposal.part(part).name
    if any(family_of(wnid) != "person" for wnid in imagenet.wnids_of(name)):
        return
    excused = {word for parent in proposal.fictional.parents for word in _words(parent)}
    for words in dict.fromkeys([name, *_words(name)]):
        wnids = imagenet.wnids_of(words)
        are_people = all(family_of(wnid) == "person" for wnid in wnids)
        if wnids and are_people and words not in excused:
            message = f"{words!r} in the name {name!r} is people: {imagenet.title(wnids[0])}"
            suggestion = "choose a thing, an animal or a plant: a catalog has no people"
            yield Finding("names_people", part, "name", message, suggestion)
            return


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())
