"""The sentences of each rule: what is said of the invented thing and of its real counterpart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from isekai_gen.prompts.articles import article_for
from isekai_gen.proposals.commonness import count_of_tokens
from isekai_gen.proposals.parent_records import Parent
from isekai_gen.proposals.rules import Rule, Trait, realm_of
from isekai_gen.proposals.wording import (
    MAX_TOKENS,
    colored,
    joined,
    lent_noun,
    like,
    noun_of,
    says_shape,
    with_article,
)


@dataclass(frozen=True)
class Combination:
    """What a rule makes of two parents.

    Attributes:
        rule: The rule.
        body: The parent that dominates.
        lender: The parent that lends.
        variant: Which of the lender's phrases are taken, where it has several; >= 0.
    """

    rule: Rule
    body: Parent
    lender: Parent
    variant: int

    def lent(self, trait: Trait) -> str:
        """The phrase that is lent."""
        phrases = self.lender.traits.of(trait)
        return phrases[self.variant % len(phrases)]

    def lends(self, trait: Trait) -> bool:
        """Whether the rule lends this trait."""
        return trait in self.rule.lends


@dataclass(frozen=True)
class _Looks:
    """The parts of two sentences; empty ones are left out.

    Attributes:
        thing: What it is, with its article.
        shape: What it has in the first sentence, the most telling first: "a small round body".
        cover: "covered in short brown quills"
        is_own: Whether the cover is the body's own, which may be left out.
        second: The second sentence, but for its last parts.
        details: Its last parts, which may be left out, the most telling first.
    """

    thing: str
    shape: tuple[str, ...]
    cover: str
    second: str = ""
    details: tuple[str, ...] = ()
    is_own: bool = False


def short_of(made: Combination) -> str:
    """The invented thing in a few words, without an article: "hedgehog with cactus spines"."""
    body, lender = made.body.name, made.lender.name
    if made.lends("build"):
        return f"{body} shaped like {with_article(lender)}"
    of_material = f" of {made.lent('material')}" if made.lends("material") else ""
    lent = [made.lent(trait) for trait in ("surface", "head", "limbs") if made.lends(trait)]
    if _is_whole_head(made):
        return f"{body}{of_material} with {article_for(lender)} {lender} head"
    # Named once: "refrigerator with rabbit fur and legs".
    parts = [lent_noun(lent[0], lender), *(noun_of(phrase) for phrase in lent[1:])]
    return f"{body}{of_material} with {joined(*dict.fromkeys(parts))}"


def description_of(made: Combination) -> str:
    """The invented thing in two sentences of at most `MAX_TOKENS` tokens."""
    body, lender = made.body, like(made.lender.name)
    cover = _cover(body)
    if made.lends("surface"):
        cover = f"covered in {made.lent('surface')}"
    if made.lends("material"):
        cover = f"made entirely of {made.lent('material')}"
    tinted = made.lends("surface") or made.lends("material")
    what = with_article(body.name if tinted else colored(body, cover))
    own = tuple(_first(body.traits.of(t)) for t in ("head", "limbs") if not made.lends(t))
    parts = [made.lent(trait) for trait in ("head", "limbs") if made.lends(trait)]
    shape = (_first(body.traits.build),)
    if made.lends("build"):
        what, shape = f"{what} shaped {lender}", (made.lent("build"),)
    elif not parts:
        cover = f"{cover} {lender}"
    if not parts:
        return _said(_Looks(what, shape, cover, "It has", own))
    home = f", at home {made.lent('habitat')}" if made.lends("habitat") else ""
    second = f"{_lead(made)} {joined(*parts)} {lender}{home}"
    if _is_whole_head(made):
        second = f"Its head is {with_article(made.lender.name)}, with {joined(*parts)}"
    return _said(_Looks(what, (*shape, *own), cover, second, is_own=not tinted))


def real_description_of(body: Parent) -> str:
    """The counterpart in the same manner."""
    cover = _cover(body)
    own = tuple(_first(body.traits.of(trait)) for trait in ("head", "limbs"))
    what = with_article(colored(body, cover, *own))
    return _said(_Looks(what, (_first(body.traits.build),), cover, "It has", own))


def _lead(made: Combination) -> str:
    """How what is lent takes its place: never by naming what it replaces, which would be drawn."""
    if made.lends("head") and made.lends("limbs"):
        return "It has"
    if made.lends("limbs"):
        return "For limbs it has" if realm_of(made.body) == "animal" else "It has"
    if noun_of(made.lent("head")) == "head":
        return "It has"
    where = {
        "animal": "Its head has",
        "plant": "At its top it has",
        "food": "At one end it has",
    }
    return where.get(realm_of(made.body), "At its front it has")


def _is_whole_head(made: Combination) -> bool:
    """Whether the lender is the head: what an animal could not have, it wears as a whole."""
    own, lent = realm_of(made.body), realm_of(made.lender)
    return made.lends("head") and own == "animal" and lent != "animal"


def _cover(parent: Parent) -> str:
    """What a thing is covered in, or made of where that says more."""
    surface, material = _first(parent.traits.surface), _first(parent.traits.material)
    if material and (realm_of(parent) == "made" or not surface):
        return f"made of {material}"
    return f"covered in {surface}" if surface else ""


def _first(phrases: Sequence[str]) -> str:
    return phrases[0] if phrases else ""


def _said(looks: _Looks) -> str:
    """Both sentences, without what does not fit into the limit, the least telling first."""
    details = [detail for detail in looks.details if detail]
    shape = [part for part in looks.shape if part]
    while True:
        text = _sentences(looks, shape, details)
        if count_of_tokens(text) <= MAX_TOKENS:
            return text
        if not (details or shape):
            return _sentences(replace(looks, cover=""), shape, details) if looks.is_own else text
        (details or shape).pop()


def _sentences(looks: _Looks, shape: Sequence[str], details: Sequence[str]) -> str:
    cover = f", {looks.cover}" if looks.cover else ""
    second = f"{looks.second} {joined(*details)}" if details else looks.second
    closing = f". {second}" if details or not looks.details else ""
    return f"{looks.thing}{_with_shape(looks, shape)}{cover}{closing}"


def _with_shape(looks: _Looks, shape: Sequence[str]) -> str:
    if not shape:
        return ""
    # "shaped like a teapot, with a round belly": the comma keeps the belly from the teapot's.
    comma = "," if " like " in looks.thing else ""
    build, *others = shape
    if build != looks.shape[0] or says_shape(build):
        return f"{comma} with {joined(*shape)}"
    # A tram is a long box, and has none.
    comma = "," if " with " in build else ""
    return f", {build}{comma} with {joined(*others)}" if others else f", {build}"
