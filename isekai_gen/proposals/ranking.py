"""Which candidates are worth a place: new, easily recognized, and unlike those chosen before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.prompts.imagenet_names import ImageNetNames, name_forms
from isekai_gen.proposals.candidates import Candidate
from isekai_gen.proposals.engine import EmbedTexts
from isekai_gen.proposals.parent_records import Parent
from isekai_gen.proposals.ranking_choice import Pool, Weights

_LONGEST_NAME = 3
# A parent whose traits are only those of its kind is less telling than one with its own.
_TRAITS_OF_KIND = 0.6


class Embedded:
    """Texts embedded once each."""

    def __init__(self, embed: EmbedTexts) -> None:
        self._embed = embed
        self._rows: dict[str, FloatArray] = {}

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], unit rows, in the order of the texts; at least one."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if new:
            self._rows.update(zip(new, self._embed(new), strict=True))
        return np.stack([self._rows[text] for text in texts])


class Ranking:
    """What each candidate adds by itself, before anything is drawn.

    Estimated novelty has two signs: how unlike its text is to the texts of real things, and how
    rarely things of its parents' domains are named together.
    """

    def __init__(
        self,
        embed: EmbedTexts,
        imagenet: ImageNetNames,
        parents: Sequence[Parent],
        weights: Weights | None = None,
    ) -> None:
        """Embed the names of ImageNet-1k's classes."""
        self._embedded = Embedded(embed)
        self._weights = weights or Weights()
        self._meetings = Meetings(parents, imagenet)
        wnids = sorted(imagenet.classes_1k)
        self._classes = self._embedded([imagenet.lemmas[wnid][0] for wnid in wnids])

    def pool(self, candidates: Sequence[Candidate], standing: Sequence[str]) -> Pool:
        """Candidates with what each is worth.

        Args:
            candidates: At least one.
            standing: `short` of the fictional concepts that stand already.
        """
        rows = self._embedded([candidate.short for candidate in candidates])
        known = np.array([knownness(candidate) for candidate in candidates])
        worth = self._novelties(candidates) + self._weights.known * known
        pool = Pool(candidates, worth, rows)
        for short, row in zip(standing, self._embedded(standing) if standing else (), strict=True):
            pool.meet(short, row)
        return pool

    def novelty(self, candidate: Candidate) -> float:
        """Estimated novelty in [0, 1]; higher is newer."""
        return float(self._novelties([candidate])[0])

    def _novelties(self, candidates: Sequence[Candidate]) -> npt.NDArray[np.float64]:
        weight = self._weights.rare_meeting
        rare = [self._meetings.rarity(*(p.domain for p in c.parents)) for c in candidates]
        return (1 - weight) * self._unlike_classes(candidates) + weight * np.array(rare)

    def _unlike_classes(self, candidates: Sequence[Candidate]) -> npt.NDArray[np.float64]:
        """1 - the highest similarity to a class of ImageNet-1k or a parent, in [0, 1]."""
        rows = self._embedded([candidate.short for candidate in candidates])
        highest = (rows @ self._classes.T).max(axis=1)
        for at in (0, 1):
            parents = self._embedded([candidate.parents[at].name for candidate in candidates])
            highest = np.maximum(highest, (rows * parents).sum(axis=1))
        unlike: npt.NDArray[np.float64] = 1 - np.clip(highest, 0, 1).astype(np.float64)
        return unlike


class Meetings:
    """How often things of two domains are named in one definition of ImageNet-21k."""

    def __init__(self, parents: Iterable[Parent], imagenet: ImageNetNames) -> None:
        """Count over all definitions; each names a domain once at most."""
        domain_by_form = {
            form: parent.domain for parent in parents for form in name_forms(parent.name)
        }
        self._alone: Counter[str] = Counter()
        self._both: Counter[tuple[str, str]] = Counter()
        self._texts = len(imagenet.definitions)
        for definition in imagenet.definitions.values():
            named = sorted(
                {domain_by_form[f] for f in _names_in(definition) & domain_by_form.keys()}
            )
            self._alone.update(named)
            self._both.update((a, b) for a in named for b in named)

    def rarity(self, a: str, b: str) -> float:
        """1 / (1 + lift): 0.5 if the domains meet as often as chance has it, 1 if never.

        Lift is the share of definitions that name both over the product of the shares that name
        each (Brin et al., "Dynamic itemset counting", 1997, as "interest").
        """
        chance = self._alone[a] * self._alone[b] / self._texts
        return 1.0 if not chance else 1 / (1 + self._both[a, b] / chance)


def knownness(candidate: Candidate) -> float:
    """How well known the less known parent is, in [0, 1], less without traits of its own."""
    return min(
        parent.commonness * (1 if parent.traits_of == "itself" else _TRAITS_OF_KIND)
        for parent in candidate.parents
    )


def _names_in(text: str) -> frozenset[str]:
    """Forms of all words of a text, and runs of two or three words written as one."""
    words = re.findall(r"[a-z]+", text.lower())
    runs = (
        "".join(words[at : at + length])
        for length in range(2, _LONGEST_NAME + 1)
        for at in range(len(words) - length + 1)
    )
    return frozenset(runs).union(*map(_forms_of, words))


@cache
def _forms_of(word: str) -> frozenset[str]:
    return name_forms(word)
