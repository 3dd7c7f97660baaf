"""Near-misses: how alike images are that nobody called duplicates.

Each anchor is compared with every image that comes before it in the order of priority and within
scope: images of the same prompt and concept with other seeds above all. Equal pictures and pairs
that people marked as duplicates are known to be none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.filters import FilterContext
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray, indexed_similarities
from isekai_gen.records import Concept, ImageRecord
from isekai_gen.stages.calibration_rule import NO_NEAR_MISS, Similarities

Scope = Literal["concept", "group", "all"]
# Numbers in one block of products: 16 MiB of float32.
_ANCHORS_AT_ONCE, _IMAGES_AT_ONCE = 512, 8192


@dataclass(frozen=True, eq=False)
class Candidates:
    """The images that dedupe would judge, in the order of their rows.

    Attributes:
        records: n images.
        rank: int64 [n]: place in the order of priority; 0 is most wanted.
        scope: int64 [n]: images of another scope are never compared.
        equal: int64 [n]: images with equal pixels have equal numbers.
        duplicates: Pairs of rows (either order) that people marked as duplicates.
        anchors: int64 [a]: rows whose near-miss is searched.
    """

    records: Sequence[ImageRecord]
    rank: IndexArray
    scope: IndexArray
    equal: IndexArray
    duplicates: frozenset[tuple[int, int]]
    anchors: IndexArray

    def may_be_near_misses(self, row: IndexArray, other: IndexArray) -> npt.NDArray[np.bool_]:
        """Whether `other` could wrongly drop `row`; both int64 [k] or of shapes that broadcast."""
        possible: npt.NDArray[np.bool_] = (
            (self.rank[other] < self.rank[row])
            & (self.scope[other] == self.scope[row])
            & (self.equal[other] != self.equal[row])
        )
        return possible


@dataclass(frozen=True, eq=False)
class NearMisses:
    """The near-miss of each anchor.

    Attributes:
        similarity: float64 [a]; `NO_NEAR_MISS` where there is none.
        partner: int64 [a]: row of the other image, -1 where there is none.
    """

    similarity: Similarities
    partner: IndexArray


def find_near_misses(
    candidates: Candidates,
    vectors: FloatArray,
    advance: Callable[[int], None] = lambda _: None,
) -> NearMisses:
    """Near-misses by embeddings.

    Args:
        candidates: n images.
        vectors: float32 [n, d], unit rows, in the same order.
        advance: Told of anchors done.
    """
    anchors = candidates.anchors
    best = np.full(len(anchors), -np.inf, dtype=np.float32)
    partner = np.full(len(anchors), -1, dtype=np.int64)
    for start in range(0, len(anchors), _ANCHORS_AT_ONCE):
        rows = slice(start, start + _ANCHORS_AT_ONCE)
        _search_block(candidates, vectors, anchors[rows], best[rows], partner[rows])
        advance(len(anchors[rows]))
    found = np.flatnonzero(partner >= 0)
    similarity = np.full(len(anchors), NO_NEAR_MISS)
    # As dedupe has it: scored in float64, stored as float32.
    exact = indexed_similarities(vectors, anchors[found], vectors, partner[found])
    similarity[found] = exact.astype(np.float32)
    return NearMisses(similarity, partner)


def _search_block(
    candidates: Candidates,
    vectors: FloatArray,
    anchors: IndexArray,
    best: FloatArray,
    partner: IndexArray,
) -> None:
    """Search some anchors among all images; fills `best` and `partner`."""
    place_of = {int(row): place for place, row in enumerate(anchors)}
    for start in range(0, len(vectors), _IMAGES_AT_ONCE):
        others = np.arange(start, min(start + _IMAGES_AT_ONCE, len(vectors)))
        products = vectors[anchors] @ vectors[others].T
        possible = candidates.may_be_near_misses(anchors[:, None], others[None, :])
        products[~possible] = -np.inf
        for first, second in _both_ways(candidates.duplicates):
            if first in place_of and others[0] <= second <= others[-1]:
                products[place_of[first], second - start] = -np.inf
        column = products.argmax(axis=1)
        value = products[np.arange(len(anchors)), column]
        better = value > best
        best[better] = value[better]
        partner[better] = others[column[better]]


def near_misses_among(candidates: Candidates, pairs: PairList) -> NearMisses:
    """Near-misses by a list of similar pairs (anchor's place in `anchors`, row of the image)."""
    anchors = candidates.anchors
    row, other = anchors[pairs.row_a], pairs.row_b
    possible = candidates.may_be_near_misses(row, other)
    marked = frozenset(_both_ways(candidates.duplicates))
    if marked:
        listed = zip(row.tolist(), other.tolist(), strict=True)
        possible &= np.array([pair not in marked for pair in listed], dtype=np.bool_)
    similarity = np.full(len(anchors), NO_NEAR_MISS)
    partner = np.full(len(anchors), -1, dtype=np.int64)
    # In ascending order of similarity, so that the last one written is the highest.
    order = np.argsort(pairs.similarity, kind="stable")
    order = order[possible[order]]
    similarity[pairs.row_a[order]] = pairs.similarity[order]
    partner[pairs.row_a[order]] = other[order]
    return NearMisses(similarity, partner)


def _both_ways(pairs: Collection[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for first, second in pairs:
        yield first, second
        yield second, first


def gather_candidates(
    images: Sequence[ImageRecord],
    context: FilterContext,
    within: Scope,
    anchors: Sequence[int],
) -> Candidates:
    """What is to be compared with what.

    Args:
        images: Those that dedupe would judge.
        context: With alignment, people's decisions and, within groups, concepts.
        within: Which pairs count.
        anchors: Places in `images` whose near-miss is searched.
    """
    row_of = {image.image_id: row for row, image in enumerate(images)}
    choices = context.image_choices()
    order = sorted(
        range(len(images)),
        key=lambda row: (
            choices.get(images[row].image_id) != "keep",
            -context.alignment.get(images[row].image_id, -math.inf),
            images[row].image_id,
        ),
    )
    rank = np.empty(len(images), dtype=np.int64)
    rank[order] = np.arange(len(images))
    duplicates = frozenset(
        (row_of[first], row_of[second])
        for (first, second), choice in context.pair_choices().items()
        if choice == "duplicate" and first in row_of and second in row_of
    )
    return Candidates(
        images,
        rank,
        _numbered([scope_of(image, context.concepts, within) for image in images]),
        _numbered([image.pixel_sha256 for image in images]),
        duplicates,
        np.array(anchors, dtype=np.int64),
    )


def scope_of(image: ImageRecord, concepts: Mapping[str, Concept], within: Scope) -> str:
    """What an image shares with those that it is compared with."""
    if within == "all":
        return ""
    return image.concept if within == "concept" else concepts[image.concept].group


def _numbered(names: Sequence[str]) -> IndexArray:
    """Equal names to equal numbers."""
    number_of: dict[str, int] = {}
    return np.array([number_of.setdefault(name, len(number_of)) for name in names], dtype=np.int64)
