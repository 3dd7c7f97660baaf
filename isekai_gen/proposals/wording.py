"""How a combination is described: a few words, and two sentences on how it looks.

Sentences begin in lower case and the last has no full stop, because templates put descriptions
into the middle of a prompt: "a photo of a cactihog, a hedgehog with ..., on short green grass".
"""

from __future__ import annotations

import re
from types import MappingProxyType

from isekai_gen.prompts.articles import article_for
from isekai_gen.proposals.parent_records import Parent

MAX_TOKENS = 37
"""Of a description: with a frame of 29, a setting of 6 and a name of 5, CLIP's 77 are full."""
# What is said of these is "a ...": a name that is only plural or uncountable needs a measure.
_MEASURES = MappingProxyType(
    {
        "binoculars": "pair",
        "bread": "loaf",
        "broccoli": "head",
        "cauliflower": "head",
        "cheese": "wedge",
        "corn": "ear",
        "headphones": "pair",
        "pliers": "pair",
        "scissors": "pair",
        "spaghetti": "heap",
        "sunglasses": "pair",
    }
)
# "a coat of short quills" is about quills; "a trail of slime" is not about "trail" either.
_AMOUNTS = re.compile(
    r"^(?:(?:a|an|the|one|two|three|four|six|eight|many|several|long|short|thick|thin|broad|wide"
    r"|dense|large|small)\s)*"
    r"(?:coat|coats|pair|pairs|layer|layers|row|rows|ring|rings|set|sets|mass|bunch|tuft|tufts|fan"
    r"|crown|fringe|cluster|clusters|band|bands|patch|patches|pattern|bundle|dozens|hundreds)\sof\s"
)
_COUNT = re.compile(r"^(?:one|two|three|four|five|six|seven|eight|nine|ten|many|several|no)\s")
_SHAPES = frozenset({"body", "frame", "outline", "shape", "silhouette"})
_SINGLE = re.compile(r"^(?:a|an|the|one)\s")
_END_OF_NOUN = re.compile(
    r",|\s(?:with|of|on|in|at|that|like|from|for|along|around|under|over|above|below|between"
    r"|ending|lined|edged|fringed|framed|banded|flecked|tipped|dotted|covered|marked|topped"
    r"|made|shaped|full|set|held|hanging\s(?:down|from|over|in|on)|rising|growing|behind"
    r"|beneath|by|to|as|near|across|through|down|up|out|without|inside)\s"
)


def with_article(noun: str) -> str:
    """`noun` with "a" or "an", and with a measure where it needs one: "a pair of scissors"."""
    measure = _MEASURES.get(noun.rpartition(" ")[2])
    counted = noun if measure is None else f"{measure} of {noun}"
    return f"{article_for(counted)} {counted}"


def noun_of(phrase: str) -> str:
    """The noun that a phrase is about, without article or number.

    Example:
        >>> noun_of("four short legs with small claws")
        'legs'
        >>> noun_of("short brown and cream quills")
        'quills'
        >>> noun_of("a long trunk and wide ears")
        'trunk'
    """
    rest = _AMOUNTS.sub("", phrase)
    first, *others = _END_OF_NOUN.split(rest)[0].split(" and ")
    # "brown and cream quills" is one noun with two colors. "a long trunk and wide ears" is not:
    # nothing plural follows on "a", and a plural before "and" is a noun already.
    is_whole = not others or _is_plural(first) or _SINGLE.match(phrase) or _COUNT.match(rest)
    return (first if is_whole else others[-1]).split()[-1]


def lent_noun(phrase: str, lender: str) -> str:
    """The lent part in few words: "cactus spines", "a hedgehog snout".

    Args:
        phrase: The trait of the lender.
        lender: Its name.
    """
    noun = noun_of(phrase)
    named = lender if noun in lender.split() else f"{lender} {noun}"
    amount = _AMOUNTS.match(phrase)
    single = _SINGLE.match(phrase) is not None and amount is None and not _is_plural(noun)
    return with_article(named) if single else named


def like(lender: str) -> str:
    """The comparison that names a lender: "like an octopus"."""
    return f"like {with_article(lender)}"


def joined(*parts: str) -> str:
    """Parts of a list with commas and one "and"; empty ones are left out."""
    said = [part for part in parts if part]
    if len(said) < 2:
        return "".join(said)
    # A part that has an "and" of its own needs the comma to be read as one.
    comma = "," if len(said) > 2 or any(" and " in part for part in said) else ""
    return f"{', '.join(said[:-1])}{comma} and {said[-1]}"


def colored(parent: Parent, *said: str) -> str:
    """The parent's name, with its color if none of its colors is said already."""
    told = set(re.findall(r"[a-z]+", " ".join((parent.name.lower(), *said))))
    words = {word for color in parent.traits.colors for word in color.split()}
    if not parent.traits.colors or words & told:
        return parent.name
    return f"{parent.traits.colors[0]} {parent.name}"


def says_shape(build: str) -> bool:
    """Whether a silhouette is one that a thing has ("a round body"), not what it is ("a box")."""
    return noun_of(build) in _SHAPES


def _is_plural(noun: str) -> bool:
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is"))
