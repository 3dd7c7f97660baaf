"""Reference sets: what the real world looks like to an encoder, without any of its images.

A reference set has classes, an embedding of each class's name (text) and, where real images were
at hand, their embeddings and a prototype of each class with how similar its own images are to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from isekai_gen.embeddings import EmbeddingTable

OWN_QUANTILES = (0.05, 0.25, 0.5)
"""The quantiles of a class's own images that limits and reports speak of."""
FINE_QUANTILES = tuple(step / 20 for step in range(21))
"""What is stored of them; sets made before stored `OWN_QUANTILES` only."""
_GRIDS = {len(grid): grid for grid in (OWN_QUANTILES, FINE_QUANTILES)}


@dataclass(frozen=True)
class ReferenceClass:
    """A class of a reference set.

    Attributes:
        key: Unique within the set; names are not ("crane" is two classes of ImageNet).
        name: For people and prompts.
        wnid: WordNet id ("n02119789"), or "".
    """

    key: str
    name: str
    wnid: str


@dataclass(frozen=True)
class ImageFiles:
    """The embeddings of a reference set's images, which stay on disk.

    Attributes:
        count: How many images there are.
        source: Digest of the names and classes of the pictures they were made from.
        sha256: File name to the SHA-256 of its bytes.
    """

    count: int
    source: str
    sha256: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """Classes and images of the real world as seen by one encoder.

    Attributes:
        name: Such as "imagenet-1k".
        encoder: Identity of the encoder.
        classes: In a fixed order; keys are distinct. Empty for images without classes.
        text: Embedding of each class's name, ids = class keys in order; or None.
        prototypes: Embedding of each class's images, ids = class keys in order; or None.
        own_similarity: Class key to the quantiles (`quantile_grid`) of the similarity of the
            class's own images to its prototype; empty without prototypes.
        own_images: Class key to how many images these quantiles are of; empty if unknown.
        images: The embeddings of single images; None if there are none.
    """

    name: str
    encoder: str
    classes: tuple[ReferenceClass, ...]
    text: EmbeddingTable | None
    prototypes: EmbeddingTable | None
    own_similarity: Mapping[str, tuple[float, ...]]
    own_images: Mapping[str, int] = field(default_factory=dict)
    images: ImageFiles | None = None

    def __post_init__(self) -> None:
        keys = tuple(entry.key for entry in self.classes)
        if len(set(keys)) != len(keys):
            raise ValueError(f"reference {self.name!r} must have classes with distinct keys")
        if self.images is None and not keys:
            raise ValueError(f"reference {self.name!r} has neither classes nor images")
        if keys and self.text is None and self.prototypes is None:
            raise ValueError(f"reference {self.name!r} has neither text nor prototypes")
        for what, table in (("text", self.text), ("prototypes", self.prototypes)):
            if table is not None and (table.ids != keys or table.encoder != self.encoder):
                raise ValueError(
                    f"{what} of reference {self.name!r} must have the ids of its classes, in "
                    f"order, and encoder {self.encoder!r}"
                )
        self._check_own_similarity(set(keys))

    def _check_own_similarity(self, keys: set[str]) -> None:
        expected = keys if self.prototypes is not None else set()
        lengths = {len(quantiles) for quantiles in self.own_similarity.values()}
        if set(self.own_similarity) != expected or len(lengths) > 1 or not lengths <= set(_GRIDS):
            raise ValueError(
                f"own_similarity of reference {self.name!r} must have {OWN_QUANTILES} or "
                f"{len(FINE_QUANTILES)} quantiles for every class with a prototype"
            )
        for key, quantiles in self.own_similarity.items():
            if not np.isfinite(quantiles).all() or (np.diff(quantiles) < 0).any():
                raise ValueError(f"quantiles of class {key!r} of {self.name!r} do not ascend")
        if not set(self.own_images) <= expected:
            raise ValueError(f"own_images of reference {self.name!r} names unknown classes")

    @property
    def quantile_grid(self) -> tuple[float, ...]:
        """The quantiles that `own_similarity` has; () without prototypes."""
        first = next(iter(self.own_similarity.values()), ())
        return _GRIDS.get(len(first), ())

    def own_quantile(self, key: str, quantile: float) -> float:
        """That quantile, one of `OWN_QUANTILES`, of the similarity of a class's own images."""
        return self.own_similarity[key][self.quantile_grid.index(quantile)]

    def percentile(self, key: str, similarity: float) -> float:
        """Where a similarity to a class's prototype lies among those of the class's own images.

        Interpolated between the quantiles that are known. Below the lowest of them it is the
        lowest and above the highest the highest, for nothing finer is known there: with
        `OWN_QUANTILES`, 0.05 says at most 0.05 and 0.5 says at least 0.5.

        Returns:
            In [0, 1].
        """
        known, grid = self.own_similarity[key], self.quantile_grid
        above = int(np.searchsorted(known, similarity, side="right"))
        if above in (0, len(known)):
            return grid[min(above, len(known) - 1)]
        low, high = known[above - 1], known[above]
        share = (similarity - low) / (high - low)
        return grid[above - 1] + share * (grid[above] - grid[above - 1])
