"""Turn images, their edges and people's decisions into a request about rows.

Row r is the image with the r-th lowest id, so that nothing depends on the order of the images and
edges, which go by ascending id too, need no sorting.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isekai_gen.filters.base import FilterContext, Need, concept_of, needed
from isekai_gen.filters.duplicates_request import DuplicateRequest, Equality, TierPairs
from isekai_gen.neighbors.edges import EdgeList
from isekai_gen.neighbors.pairs import PairList
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray
from isekai_gen.records import ImageRecord
from isekai_gen.settings.curation import Tier

Scope = Literal["concept", "group", "all"]
_BY = "near_duplicate"


@dataclass(frozen=True)
class TierLimits:
    """Limits of a tier with edges.

    Attributes:
        max_similarity: Images with a similarity above it are duplicates.
        review_similarity: Above it, up to `max_similarity`, people look.
        lowest: Lowest similarity that can lie above `review_similarity`: the floor to which edges
            must be listed.
    """

    max_similarity: float
    review_similarity: float
    lowest: float


@dataclass(frozen=True)
class Comparison:
    """How images are compared.

    Attributes:
        tiers: Tiers with edges, and their limits, in order of precedence.
        exact: Whether equal files and equal pixels make duplicates.
        within: Which pairs count: of one concept, of one group of concepts, or all.
        relative: Whether a semantic pair of one concept must also lie above its background.
    """

    tiers: Mapping[Tier, TierLimits]
    exact: bool
    within: Scope
    relative: bool


def request_of(
    images: Sequence[ImageRecord], context: FilterContext, comparison: Comparison
) -> DuplicateRequest:
    """The request about these images.

    Args:
        images: In ascending order of id.
        context: Edges, decisions, alignment, earlier drops and backgrounds.
        comparison: How they are compared.

    Raises:
        ValueError: If edges are missing, not listed down to a limit, or lack an image; or if an
            alignment is not a number.
    """
    ids = [image.image_id for image in images]
    row_of = {image_id: row for row, image_id in enumerate(ids)}
    choices = context.image_choices()
    chosen = [choices.get(image_id) for image_id in ids]
    absent = [
        row
        for row, (image_id, choice) in enumerate(zip(ids, chosen, strict=True))
        if choice == "drop" or (choice != "keep" and image_id in context.already_dropped)
    ]
    pairs = context.pair_choices()
    return DuplicateRequest(
        count=len(images),
        priority=_priority(ids, context),
        tiers=_tier_pairs(images, context, comparison, row_of, frozenset(absent)),
        equal=_equal_images(images) if comparison.exact else (),
        pinned=_rows([row for row, choice in enumerate(chosen) if choice == "keep"]),
        marked=_pair_rows(pairs, "duplicate", row_of),
        spared=_pair_rows(pairs, "not_duplicate", row_of),
        scope=_scope(images, context, comparison.within),
        absent=_rows(absent),
    )


def _rows(rows: Sequence[int]) -> IndexArray:
    return np.array(rows, dtype=np.int64)


def _priority(ids: Sequence[str], context: FilterContext) -> IndexArray:
    """Rows by falling alignment (images without one last), then by rising id."""
    alignment = np.array([context.alignment.get(image_id, -math.inf) for image_id in ids])
    unknown = np.flatnonzero(np.isnan(alignment))
    if unknown.size:
        raise ValueError(f"the alignment of image {ids[unknown[0]]} is not a number")
    order: IndexArray = np.argsort(-alignment, kind="stable")
    return order


def _equal_images(images: Sequence[ImageRecord]) -> list[tuple[Equality, IndexArray]]:
    """Images of the same bytes, and images of the same pixels; a digest that is "" is unknown."""
    digests: tuple[tuple[Equality, list[str]], ...] = (
        ("same_bytes", [image.file_sha256 for image in images]),
        ("same_pixels", [image.pixel_sha256 for image in images]),
    )
    classes: list[tuple[Equality, IndexArray]] = []
    for what, values in digests:
        rows_of: dict[str, list[int]] = {}
        for row, digest in enumerate(values):
            if digest:
                rows_of.setdefault(digest, []).append(row)
        classes += [(what, _rows(rows)) for rows in rows_of.values() if len(rows) > 1]
    return classes


def _pair_rows(
    choices: Mapping[tuple[str, str], str], choice: str, row_of: Mapping[str, int]
) -> IndexArray:
    """Pairs of given images about which people made this choice, shape (k, 2)."""
    pairs = [
        (row_of[one], row_of[other])
        for (one, other), made in choices.items()
        if made == choice and one in row_of and other in row_of
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _scope(
    images: Sequence[ImageRecord], context: FilterContext, within: Scope
) -> IndexArray | None:
    if within == "all":
        return None
    if within == "concept":
        return _labels([image.concept for image in images])
    return _labels([concept_of(image, context, _BY).group for image in images])


def _labels(names: Sequence[str]) -> IndexArray:
    """A number for each name, equal for equal names."""
    number_of: dict[str, int] = {}
    return _rows([number_of.setdefault(name, len(number_of)) for name in names])


def _tier_pairs(
    images: Sequence[ImageRecord],
    context: FilterContext,
    comparison: Comparison,
    row_of: Mapping[str, int],
    absent: frozenset[int],
) -> list[TierPairs]:
    must_be_searched = [image_id for image_id, row in row_of.items() if row not in absent]
    found = []
    for tier, limits in comparison.tiers.items():
        edges = _edges_of(tier, limits, context, must_be_searched)
        pairs = _pairs_between(row_of, edges)
        also_above = None
        if comparison.relative and tier == "semantic":
            also_above = _backgrounds(images, context, pairs)
        found.append(
            TierPairs(tier, pairs, limits.max_similarity, limits.review_similarity, also_above)
        )
    return found


def _edges_of(
    tier: Tier, limits: TierLimits, context: FilterContext, must_be_searched: Sequence[str]
) -> EdgeList:
    """The edges of a tier; ValueError unless they say all that its limits ask of these images."""
    edges = needed(context.edges, Need.EDGES, _BY).get(tier)
    if edges is None:
        raise ValueError(f"filter {_BY!r} needs edges of tier {tier!r}, and the context has none")
    if edges.floor > limits.lowest:
        raise ValueError(
            f"{tier} edges are listed down to {edges.floor} only, not to {limits.lowest}; "
            "find edges with a lower floor"
        )
    searched = frozenset(edges.ids)
    for image_id in must_be_searched:
        if image_id not in searched:
            raise ValueError(f"{tier} edges were not searched for image {image_id}")
    return edges


def _pairs_between(row_of: Mapping[str, int], edges: EdgeList) -> PairList:
    """The edges between the images that have rows."""
    if not len(edges):
        return edges.pairs
    row = _rows([row_of.get(image_id, -1) for image_id in edges.ids])
    row_a, row_b = row[edges.pairs.row_a], row[edges.pairs.row_b]
    inside = (row_a >= 0) & (row_b >= 0)
    # Rows and ids both ascend, so the pairs stay in order.
    return PairList(row_a[inside], row_b[inside], edges.pairs.similarity[inside])


def _backgrounds(
    images: Sequence[ImageRecord], context: FilterContext, pairs: PairList
) -> ScoreArray:
    """For each pair the background of the concept that both show; none if it has no background."""
    concept = _labels([image.concept for image in images])
    background = np.array([context.background.get(image.concept, -math.inf) for image in images])
    same = concept[pairs.row_a] == concept[pairs.row_b]
    return np.where(same, background[pairs.row_a], -math.inf)
