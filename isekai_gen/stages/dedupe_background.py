"""How alike the images of a concept are to each other: what the relative rule compares with.

One absolute limit drops too much of a concept that always looks nearly the same, and too little of
one that varies. With `relative_quantile`, two images of one concept are duplicates only if they are
also more alike than this share of the concept's own pairs of different images.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

import numpy as np

from isekai_gen.embeddings import EmbeddingTable, FloatArray
from isekai_gen.neighbors.similarity import (
    IndexArray,
    float32_margin,
    indexed_similarities,
    unit_rows,
)
from isekai_gen.records import ImageRecord

MOST_IMAGES = 2_000
"""Up to so many different images of a concept, all of its pairs are looked at."""
SAMPLED_PAIRS = 500_000
"""Above, so many pairs are drawn at random, the same ones for the same images."""


def concept_backgrounds(
    images: Iterable[ImageRecord], table: EmbeddingTable, quantile: float
) -> dict[str, float]:
    """For each concept the quantile of the similarities of its pairs of different images.

    Images with equal bytes or equal pixels count once. The quantile is that of an existing pair:
    the lowest similarity that at least this share of the pairs does not exceed.

    Args:
        images: The images that are compared; in any order.
        table: Their embeddings.
        quantile: In [0, 1].

    Returns:
        Concept slug to a similarity; concepts with fewer than two different images are missing.
    """
    row_of = {image_id: row for row, image_id in enumerate(table.ids)}
    rows: dict[str, list[int]] = {}
    seen: dict[str, set[str]] = {}
    for image in sorted(images, key=lambda one: one.image_id):
        digests = {f"file {image.file_sha256}", f"pixels {image.pixel_sha256}"}
        known = seen.setdefault(image.concept, set())
        if known.isdisjoint(digests):
            rows.setdefault(image.concept, []).append(row_of[image.image_id])
        known |= digests
    return {
        slug: _background(table.vectors[own], quantile, slug)
        for slug, own in sorted(rows.items())
        if len(own) > 1
    }


def _background(vectors: FloatArray, quantile: float, slug: str) -> float:
    if len(vectors) <= MOST_IMAGES:
        return pair_quantile(vectors, quantile)
    seed = int.from_bytes(hashlib.sha256(slug.encode()).digest()[:8])
    chance = np.random.default_rng(seed)
    first = chance.integers(0, len(vectors), SAMPLED_PAIRS)
    # A step of 1 to n - 1 leads to every other image alike, and never back to the same one.
    second = (first + chance.integers(1, len(vectors), SAMPLED_PAIRS)) % len(vectors)
    similarity = np.sort(indexed_similarities(vectors, first, vectors, second))
    return float(similarity[_rank(quantile, len(similarity))])


def pair_quantile(vectors: FloatArray, quantile: float) -> float:
    """A quantile of the similarities of all pairs of rows, to the bit the same everywhere.

    Fast float32 products tell which pairs can have the rank asked for, as their error has a bound
    (`similarity.float32_margin`); only these are scored in float64.

    Args:
        vectors: float32, shape (n, d), n >= 2.
        quantile: In [0, 1].
    """
    units = unit_rows(vectors)
    first, second = np.triu_indices(len(units), k=1)
    rough = (units @ units.T)[first, second]
    rank = _rank(quantile, len(rough))
    # The pair of this rank lies within one margin of the rough value of this rank, and a pair
    # whose rough value is two margins below it surely comes before.
    center, margin = float(np.partition(rough, rank)[rank]), 2.0 * float32_margin(units.shape[1])
    wide = rough.astype(np.float64)
    near: IndexArray = np.flatnonzero(np.abs(wide - center) <= margin)
    below = int((wide < center - margin).sum())
    exact = np.sort(indexed_similarities(vectors, first[near], vectors, second[near]))
    return float(exact[rank - below])


def _rank(quantile: float, count: int) -> int:
    """0-based rank of the lowest value that at least this share of all values does not exceed."""
    return max(0, math.ceil(quantile * count) - 1)
