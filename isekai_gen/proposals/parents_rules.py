"""Which animals of ImageNet are no parents although their names are common, and why.

A parent must be known at a glance in a picture, under the name it has here.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from isekai_gen.prompts.imagenet_names import ImageNetNames
from isekai_gen.proposals.genus import family_of, kinds_of

# Known names, but few would draw the animal.
_MEANS_ELSE = frozenset(
    {"admiral", "black widow", "coho", "diamondback", "eft", "gar", "loggerhead", "monarch", "ram"}
    | {"rock beauty", "sorrel", "titi"}
)
_PATTERNS = MappingProxyType(
    {
        "group": re.compile(r"^(?:an? |any |the )?(?:group|set|collection|herd|flock|breed)\b"),
        "too small to see": re.compile(r"\b(?:microscopic|unicellular|single-celled)\b"),
        "parasite": re.compile(r"\b(?:parasit\w+|blood-?sucking|lice|ticks?)\b"),
        "one sex or age": re.compile(
            r"^(?:an? |the )?(?:adult )?(?:young|male|female|mature|immature|castrated|infant)\b"
        ),
    }
)


def reason_to_leave_out(wnid: str, imagenet: ImageNetNames) -> str | None:
    """Why an animal is no parent ("one sex or age", "breed", ...), or None if it may be.

    Raises:
        KeyError: If there is no such class.
        ValueError: If it is no animal.
    """
    if family_of(wnid) != "animal":
        raise ValueError(f"{imagenet.title(wnid)} is no animal")
    name = imagenet.lemmas[wnid][0]
    # Named after people and places are breeds and species that pass for their kind.
    if any(char.isupper() for char in name):
        return "named after a person or a place"
    if name in _MEANS_ELSE:
        return "means something else"
    if {"dog", "cat"} & {
        kind for above in kinds_of(wnid, imagenet) for kind in imagenet.lemmas[above]
    }:
        return "breed"
    definition = imagenet.definitions[wnid].lower()
    return next((why for why, found in _PATTERNS.items() if found.search(definition)), None)
