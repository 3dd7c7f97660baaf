"""Episodes for training, each made from the seed and its number alone.

A positive class is drawn evenly, its negatives from the 100 classes nearest to it: the j-th nearest
in proportion to 101 - j, or of only m neighbors to m + 1 - j (hard-negative mining; Tai et al.,
"Link-Context Learning for Multimodal LLMs", CVPR 2024). Further negatives are drawn in the same way
from those that are left. The query is of any of the classes, evenly. It is never in the support
set, nor is a known near-duplicate of it; the support set is shown in a shuffled order.

Classes that go by the same name never meet in an episode: nobody could tell which is asked for.
Names are the same that differ in case, spaces or their Unicode form alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from string import ascii_lowercase

from isekai_gen.errors import ManifestError
from isekai_gen.manifests.episode_draws import EpisodeDraws
from isekai_gen.manifests.episode_plan import LEAST_SHOTS, EpisodePlan
from isekai_gen.manifests.episode_source import ClassPool, EpisodeSource
from isekai_gen.records import Episode, NamedImage

__all__ = ["EpisodePlan", "EpisodeSampler"]

MOST_NEIGHBORS = 100
"""Negatives come from that many nearest classes."""
_LONGEST_WORD = 10


class EpisodeSampler:
    """The episodes of a plan, indexable in any order and any process.

    It draws an episode when it is asked for, in time proportional to its images, and holds none.

    Attributes:
        source: What episodes show.
        plan: How they are drawn.
        left_out: Class key to why it is never the positive class. Those with too few images are
            no negatives either.
    """

    def __init__(self, source: EpisodeSource, plan: EpisodePlan) -> None:
        """Find out which classes can be used.

        Raises:
            ManifestError: If there is none.
        """
        self.source = source
        self.plan = plan
        largest = largest_shots(source)
        self._name_of = {key: _folded(pool.name) for key, pool in source.pools.items()}
        self._usable = {key for key, shots in largest.items() if shots >= plan.shots}
        self.left_out: dict[str, str] = {
            key: f"its images are enough for {shots} shots, not for {plan.shots}"
            for key, shots in largest.items()
            if key not in self._usable
        }
        self._neighbors: dict[str, tuple[str, ...]] = {}
        for key in sorted(self._usable):
            neighbors = self._usable_neighbors(key)
            names = {self._name_of[near] for near in neighbors}
            if len(names) < plan.ways - 1:
                self.left_out[key] = f"{len(names)} neighbors to use, {plan.ways - 1} are needed"
            else:
                self._neighbors[key] = neighbors
        if not self._neighbors:
            raise ManifestError(_too_small(plan, largest))
        self._positives = tuple(self._neighbors)

    def __len__(self) -> int:
        return self.plan.episodes

    def __getitem__(self, index: int) -> Episode:
        """Episode number `index`, counted from 0 (or, below 0, from the end)."""
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(f"no episode {index}: there are {len(self)}")
        classes = self._classes(number)
        query_way, query, support = self._images(number, classes)
        true_labels = self._labels(number, classes)
        shown = self._shown_ways(number, [way for way, _ in support])
        return Episode(
            key=f"episode-{number:08d}",
            support=tuple(
                NamedImage(image, classes[way].key, true_labels[label])
                for (way, image), label in zip(support, shown, strict=True)
            ),
            query=NamedImage(query, classes[query_way].key, true_labels[query_way]),
            labels=true_labels,
        )

    @property
    def positive_classes(self) -> tuple[str, ...]:
        """Keys of the classes that can be the positive one, ascending."""
        return self._positives

    def _usable_neighbors(self, key: str) -> tuple[str, ...]:
        names = self._name_of
        ranked = self.source.ranked_neighbors.get(key, ())
        usable = [near for near in ranked if near in self._usable and names[near] != names[key]]
        return tuple(usable[:MOST_NEIGHBORS])

    def _draws(self, number: int, purpose: str) -> EpisodeDraws:
        return EpisodeDraws(self.plan.seed, f"{number} {purpose}")

    def _classes(self, number: int) -> list[ClassPool]:
        """The positive class and its negatives."""
        draws, pools = self._draws(number, "classes"), self.source.pools
        positive = self._positives[draws.below(len(self._positives))]
        neighbors = self._neighbors[positive]
        weights = list(range(len(neighbors), 0, -1))
        chosen = [pools[positive]]
        while True:
            chosen.append(pools[neighbors[draws.weighted(weights)]])
            if len(chosen) == self.plan.ways:
                return chosen
            name = self._name_of[chosen[-1].key]
            for place, near in enumerate(neighbors):
                if self._name_of[near] == name:
                    weights[place] = 0

    def _images(
        self, number: int, classes: Sequence[ClassPool]
    ) -> tuple[int, str, list[tuple[int, str]]]:
        """Way and image of the query; way and image of each demonstration, as shown."""
        draws = self._draws(number, "query")
        query_way = draws.below(len(classes))
        pool = classes[query_way].images
        query = pool[draws.below(len(pool))]
        barred = self.source.barred.get(query, frozenset()) | {query}
        shots = self._shots(number)
        support = [
            (way, image)
            for way, each in enumerate(classes)
            for image in self._draws(number, f"support {way}").sample(each.images, shots, barred)
        ]
        return query_way, query, self._draws(number, "order").sample(support, len(support))

    def _shots(self, number: int) -> int:
        if self.plan.has_fixed_shots(number):
            return self.plan.shots
        return LEAST_SHOTS + self._draws(number, "shots").weighted(self.plan.shot_weights)

    def _labels(self, number: int, classes: Sequence[ClassPool]) -> tuple[str, ...]:
        """What each way is called; no two alike, whatever their case."""
        labels = [pool.name for pool in classes]
        relabeled = {"none": 0, "positive": 1, "all": len(labels)}[self.plan.relabel]
        draws = self._draws(number, "labels")
        for way in range(relabeled):
            word = labels[way]
            while word.casefold() in {label.casefold() for label in labels}:
                length = 1 + draws.below(_LONGEST_WORD)
                word = "".join(ascii_lowercase[draws.below(26)] for _ in range(length))
            labels[way] = word
        return tuple(labels)

    def _shown_ways(self, number: int, ways: list[int]) -> list[int]:
        """The way whose label each demonstration gets: its own, but for an ablation."""
        plan, draws = self.plan, self._draws(number, "false labels")
        places = draws.sample(range(len(ways)), plan.false_count(len(ways)))
        if plan.flip_position is not None:
            places = [plan.flip_position - 1]
        shown = list(ways)
        for place in places:
            other = draws.below(plan.ways - 1)
            shown[place] = other + (other >= ways[place])
        return shown


def largest_shots(source: EpisodeSource) -> dict[str, int]:
    """Class key to the most shots it can give, whichever image of the source is the query."""
    owner = {
        image: key
        for key, pool in source.pools.items()
        for image in pool.images
        if image in source.barred
    }
    most_barred = dict.fromkeys(source.pools, 1)
    for image, others in source.barred.items():
        counts: dict[str, int] = {}
        for each in others | {image}:
            if each in owner:
                counts[owner[each]] = counts.get(owner[each], 0) + 1
        for key, count in counts.items():
            most_barred[key] = max(most_barred[key], count)
    return {key: len(pool.images) - most_barred[key] for key, pool in source.pools.items()}


def _folded(name: str) -> str:
    """What two names have in common that people take for the same."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _too_small(plan: EpisodePlan, largest: Mapping[str, int]) -> str:
    enough = sum(shots >= plan.shots for shots in largest.values())
    # Of the classes that give the most, as many as an episode needs.
    possible = sorted(largest.values(), reverse=True)[: plan.ways]
    remedy = "more images, or lower --ways"
    if len(possible) == plan.ways and possible[-1] < plan.shots:
        remedy = f"more images, or --shots {possible[-1]}"
    return (
        f"no class can be the positive one: it needs {plan.shots} images beside the query and its "
        f"near-duplicates, and {plan.ways - 1} neighbor(s) of other names that have as many; "
        f"{enough} of {len(largest)} classes have them; {remedy}"
    )
