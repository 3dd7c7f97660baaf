"""Whether an invented name is, or nearly is, the name of something real in ImageNet.

Four ways to be nearly a name, the plainest first: the same letters (singular or plural, with or
without spaces), the same stem (-ing, -ed, -er), a spelling a letter or two away, and the same
meaning to a text encoder (`checks_meaning`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from isekai_gen.prompts.imagenet_names import ImageNetNames, name_forms
from isekai_gen.proposals.checks_counterpart import titles
from isekai_gen.proposals.edit_similarity import NearSpellings, count_edits
from isekai_gen.proposals.records import Finding, Proposal

# Letters from which on so many edits are near. Of ImageNet's own names, half of those of 6 letters
# have another one edit away (a fifth at 8), a third of those of 10 another two edits away (a
# twentieth at 14): shorter names have too many neighbors for any to mean something.
_EDITS_FROM = ((10, 2), (6, 1))
_ENDINGS = ("ings", "ing", "ers", "er", "ed")
_SHORTEST_STEM = 4
_ALTERNATIVES = 3
_REMEMBERED = 8192  # names; every group of a slate is compared with every other again and again

Alternatives = Callable[[Proposal], Iterable[str]]
"""Other names for an invented thing, the best first; none is the name of anything."""


def allowed_edits(name: str) -> int:
    """How many edits make a name of these letters nearly another: 0, 1 or 2, by its length."""
    letters = len(plain_letters(name))
    return next((edits for least, edits in _EDITS_FROM if letters >= least), 0)


@lru_cache(maxsize=_REMEMBERED)
def plain_letters(name: str) -> str:
    """The letters and digits of a name, case-folded, without accents; "" if it has none."""
    return max(name_forms(name), key=len, default="")


@lru_cache(maxsize=_REMEMBERED)
def name_stems(name: str) -> frozenset[str]:
    """The forms of a name, and what is left of them without -ing, -ed or -er.

    Two names share a stem if one is an inflection of the other, or both are of a third: "hopper"
    and "hopping" have "hop" and "hopp". A stem need be no word; it only has to meet its like.
    """
    forms = name_forms(name)
    return forms.union(*(_without_ending(form) for form in forms))


@dataclass(frozen=True)
class NearName:
    """A name of something real that another name is, or nearly is.

    Attributes:
        code: "name_in_imagenet", "name_stem_in_imagenet" or "name_near_imagenet".
        said: How near it is, for people.
    """

    code: str
    said: str


@cache
def real_names(imagenet: ImageNetNames) -> RealNames:
    """The one index of these names: seconds at the first call, nothing at others."""
    return RealNames(imagenet)


class RealNames:
    """All names of ImageNet-21k, to be found by letters, stem and spelling."""

    def __init__(self, imagenet: ImageNetNames) -> None:
        """Index the names: two seconds."""
        self.imagenet = imagenet
        self._by_stem: dict[str, str] = {}
        self._by_letters: dict[str, str] = {}
        for lemma in sorted({name for names in imagenet.lemmas.values() for name in names}):
            self._by_letters.setdefault(plain_letters(lemma), lemma)
            for stem in name_stems(lemma):
                self._by_stem.setdefault(stem, lemma)
        self._spellings = {
            edits: NearSpellings(self._by_letters, edits) for _, edits in _EDITS_FROM
        }

    def nearest(self, name: str) -> NearName | None:
        """The plainest way in which something real has nearly this name; None if nothing has."""
        wnids = self.imagenet.wnids_of(name)
        if wnids:
            said = f"is the name of something real in ImageNet: {titles(wnids, self.imagenet)}"
            return NearName("name_in_imagenet", said)
        met = sorted(
            self._by_stem[stem]
            for stem in name_stems(name)
            if stem in self._by_stem and len(stem) >= _SHORTEST_STEM
        )
        if met:
            return NearName("name_stem_in_imagenet", f"has the stem of {self._shown(met[0])}")
        allowed = allowed_edits(name)
        near = self._spellings[allowed].near(plain_letters(name)) if allowed else []
        if near:
            edits, letters = near[0]
            away = "1 letter away" if edits == 1 else f"{edits} letters away"
            said = f"is {away} from {self._shown(self._by_letters[letters])}"
            return NearName("name_near_imagenet", said)
        return None

    def is_free(self, name: str) -> bool:
        """Whether nothing real has nearly this name."""
        return self.nearest(name) is None

    def _shown(self, lemma: str) -> str:
        return f"{lemma!r}, {titles(self.imagenet.wnids_of(lemma), self.imagenet)}"


def real_name_findings(
    proposal: Proposal, names: RealNames, alternatives: Alternatives
) -> Iterator[Finding]:
    """About the invented name and ImageNet's; at most one, the plainest."""
    name = proposal.fictional.name
    near = names.nearest(name)
    if near is not None:
        free = [repr(other) for other in itertools.islice(alternatives(proposal), _ALTERNATIVES)]
        such_as = f", such as {' or '.join(free)}" if free else ""
        message, suggestion = f"{name!r} {near.said}", f"invent another name{such_as}"
        yield Finding(near.code, "fictional", "name", message, suggestion)


def are_near(a: str, b: str) -> bool:
    """Whether two invented names share a stem, or are spelled nearly the same."""
    if name_stems(a) & name_stems(b):
        return True
    edits = min(allowed_edits(a), allowed_edits(b))
    one, other = plain_letters(a), plain_letters(b)
    return abs(len(one) - len(other)) <= edits and count_edits(one, other) <= edits


def _without_ending(word: str) -> set[str]:
    stems: set[str] = set()
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST_STEM - 1:
            stems |= {stem, stem + "e"}
            if stem[-1] == stem[-2]:
                stems.add(stem[:-1])
    return stems
