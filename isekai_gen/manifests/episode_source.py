"""What episodes are drawn from: classes with their images, and which classes are alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from isekai_gen.hashing import digest_of


@dataclass(frozen=True)
class ClassPool:
    """A class (or concept) and the images that show it.

    Attributes:
        key: Unique within its source: a concept's slug, or a class key.
        name: For people, and what the class is called in an episode: "octopus vacuum".
        images: Distinct paths relative to the image folder, with forward slashes; at least one.
    """

    key: str
    name: str
    images: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.images or len(set(self.images)) != len(self.images):
            raise ValueError(f"class {self.key!r} must have images, each of them once")
        if not self.name.strip():
            raise ValueError(f"class {self.key!r} must have a name")


@dataclass(frozen=True, eq=False)
class EpisodeSource:
    """All that episodes may show.

    Attributes:
        pools: Class key to the class. An image belongs to one class only.
        ranked_neighbors: Class key to keys of other classes of `pools`, nearest first; a class
            without neighbors may be absent.
        barred: Image to its known near-duplicates: they never stand in support and query of one
            episode. Symmetric; an image without near-duplicates may be absent.
    """

    pools: Mapping[str, ClassPool]
    ranked_neighbors: Mapping[str, tuple[str, ...]]
    barred: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_images()
        self._check_neighbors()
        for image, others in self.barred.items():
            if any(image not in self.barred.get(other, ()) for other in others - {image}):
                raise ValueError(f"near-duplicates of {image!r} do not all name it as theirs")

    def digest(self) -> str:
        """SHA-256 (hex) over all of it: equal sources and equal plans give equal episodes."""
        return digest_of(
            {
                "pools": {key: [pool.name, pool.images] for key, pool in self.pools.items()},
                "neighbors": self.ranked_neighbors,
                "barred": {image: sorted(others) for image, others in self.barred.items()},
            }
        )

    def _check_images(self) -> None:
        owners: dict[str, str] = {}
        for key, pool in self.pools.items():
            if pool.key != key:
                raise ValueError(f"class {pool.key!r} stands under the key {key!r}")
            for image in pool.images:
                if owners.setdefault(image, key) != key:
                    raise ValueError(f"image {image!r} is in {owners[image]!r} and in {key!r}")

    def _check_neighbors(self) -> None:
        for key, neighbors in self.ranked_neighbors.items():
            for named in (key, *neighbors):
                if named not in self.pools:
                    raise ValueError(f"{named!r}, in the neighbors of {key!r}, is no class")
            if key in neighbors or len(set(neighbors)) != len(neighbors):
                raise ValueError(f"neighbors of {key!r} repeat, or hold the class itself")


def barred_by_groups(groups: Iterable[frozenset[str]]) -> dict[str, frozenset[str]]:
    """Image to the images that share a group of near-duplicates with it."""
    barred: dict[str, frozenset[str]] = {}
    for group in groups:
        for image in group:
            barred[image] = (barred.get(image, frozenset()) | group) - {image}
    return barred
