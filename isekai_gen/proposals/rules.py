"""The rules by which one thing takes over traits of another: which pairs they suit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from isekai_gen.prompts.imagenet_names import contains_words, name_forms
from isekai_gen.proposals.domains import domains_of
from isekai_gen.proposals.parent_records import Parent
from isekai_gen.proposals.wording import noun_of

Realm = Literal["animal", "plant", "food", "natural", "made"]
Trait = Literal["surface", "limbs", "head", "material", "habitat", "build"]

_REALMS: MappingProxyType[str, Realm] = MappingProxyType(
    {
        "animals": "animal",
        "plants": "plant",
        "fungi": "plant",
        "food": "food",
        "natural-things": "natural",
    }
)
# Things are made of these every day: a wooden house is nothing new.
_BUILDING_MATERIALS = (
    "wood stone metal steel iron aluminum brass copper plastic glass paper cardboard leather cloth"
    " fabric clay brick bricks concrete ceramic porcelain rubber cotton wool silk straw bamboo"
    " canvas marble granite sand rock earth gold silver tin chrome wicker bone felt"
)
_SMALL_WORDS = "a an and the of with in on its two four six eight small large"
# Above this share of words in common, what is lent is there already.
_MAX_SHARED = 0.34


@dataclass(frozen=True)
class Rule:
    """One way to make a thing of two.

    Attributes:
        name: Of one word or two with a dash.
        lends: Traits that the lender gives, the main one first.
        pairs: Realms of body and lender that it suits.
    """

    name: str
    lends: tuple[Trait, ...]
    pairs: frozenset[tuple[Realm, Realm]]

    def suits(self, body: Parent, lender: Parent) -> bool:
        """Whether the rule makes something new of this pair, body first.

        The lender must have what it lends and the body must lack it; neither may be a kind of the
        other, and two of one domain are too near: a wolf with a fox's head is a canine.
        """
        return (
            (realm_of(body), realm_of(lender)) in self.pairs
            and body.domain != lender.domain
            and all(lender.traits.of(trait) for trait in self.lends)
            and not ("limbs" in self.lends and _is_mere_handle(lender))
            and _remains(body, self.lends)
            and not any(_has_already(body, lender, trait) for trait in self.lends)
            and not are_kin(body, lender)
        )


def _pairs(text: str) -> frozenset[tuple[Realm, Realm]]:
    """Read "animal<plant,food made<animal": bodies, each with the lenders that suit."""
    found: set[tuple[Realm, Realm]] = set()
    for entry in text.split():
        body, _, lenders = entry.partition("<")
        found |= {(_REALM_BY_NAME[body], _REALM_BY_NAME[lender]) for lender in lenders.split(",")}
    return frozenset(found)


_REALM_BY_NAME: MappingProxyType[str, Realm] = MappingProxyType(
    {"animal": "animal", "plant": "plant", "food": "food", "natural": "natural", "made": "made"}
)
# What is left out is there in reality: toys and statues are animals of cloth or metal, cakes and
# pots have the shape of anything, and appliances differ in their wheels and handles.
RULES = (
    Rule(
        "surface",
        ("surface",),
        _pairs("animal<animal,plant,food,natural plant<animal,food made<animal,plant food<animal"),
    ),
    Rule(
        "limbs",
        ("limbs",),
        _pairs("animal<animal,plant,made plant<animal,made food<animal made<animal natural<animal"),
    ),
    Rule(
        "head",
        ("head",),
        _pairs("animal<animal,plant,food,made plant<animal,made food<animal made<animal"),
    ),
    Rule("build", ("build",), _pairs("animal<plant,food,made,natural plant<made")),
    Rule("surface-limbs", ("surface", "limbs"), _pairs("made<animal food<animal plant<animal")),
    Rule("head-limbs", ("head", "limbs"), _pairs("made<animal plant<animal,made food<animal")),
    Rule("material-limbs", ("material", "limbs"), _pairs("animal<made,food,natural,plant")),
    Rule("material-head", ("material", "head"), _pairs("animal<made,food,plant made<food,natural")),
    Rule("habitat-limbs", ("habitat", "limbs"), _pairs("made<animal plant<animal food<animal")),
)
"""All rules; their order is part of what an index means."""


def realm_of(parent: Parent) -> Realm:
    """The realm that a parent's domain belongs to."""
    return _REALMS.get(domains_of(parent.domain)[-1], "made")


def are_kin(a: Parent, b: Parent) -> bool:
    """Whether one is the other, or a kind of it, or bears its name ("pig" and "guinea pig")."""
    if a.key == b.key or set(a.wnids) & set(b.wnids):
        return True
    return any(
        _bears(name, other.name) or not _forms(other.name).isdisjoint(_kind_forms(kinds))
        for name, other, kinds in ((a.name, b, a.kinds), (b.name, a, b.kinds))
    )


# Every place of the space asks again; each name is folded once.
_forms = cache(name_forms)
_noun_of = cache(noun_of)


@cache
def _word_forms(name: str) -> frozenset[str]:
    return frozenset().union(*(name_forms(word) for word in re.findall(r"[^\W_]+", name)))


def _bears(name: str, other: str) -> bool:
    """Whether a name contains another; most share no word, which is seen at once."""
    return not _word_forms(name).isdisjoint(_word_forms(other)) and contains_words(name, other)


@cache
def _kind_forms(kinds: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*map(_forms, kinds))


@cache
def _words(phrase: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", phrase)) - set(_SMALL_WORDS.split())


def _remains(body: Parent, lends: tuple[Trait, ...]) -> bool:
    """Whether enough of the body is left to be known by."""
    kept = [trait for trait in ("surface", "limbs", "head", "build") if trait not in lends]
    return sum(bool(body.traits.of(trait)) for trait in kept) >= 2


def _is_mere_handle(lender: Parent) -> bool:
    """Whether a made thing's limb is single: nothing could stand or fly on a handle or a strap."""
    return realm_of(lender) == "made" and any(
        phrase.startswith(("a ", "an ", "one ")) for phrase in lender.traits.limbs
    )


def _has_already(body: Parent, lender: Parent, trait: Trait) -> bool:
    """Whether the body has the trait in much the same words, or with the same noun."""
    if trait == "habitat":
        return bool(set(body.traits.habitat) & set(lender.traits.habitat))
    phrase = lender.traits.of(trait)[0]
    own = body.traits.of(trait)
    if trait == "material" and realm_of(body) == "made":
        made_of = set(" ".join(lender.traits.material).split())
        if made_of & set(_BUILDING_MATERIALS.split()):
            return True
    said = _words(phrase)
    return any(
        _noun_of(phrase) == _noun_of(mine)
        or len(said & _words(mine)) > _MAX_SHARED * min(len(said), len(_words(mine)))
        for mine in own
    )
