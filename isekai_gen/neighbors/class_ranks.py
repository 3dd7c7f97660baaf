"""All other classes of a dataset by falling similarity, for every class of it.

Two similarities (`Similarity`):

* "lcl", of Link-Context Learning (Tai et al., CVPR 2024; the weights are those of its code):
  0.5 T.T' + 0.8 (I.T' + T.I') + 0.5 I.I', T and T' being the text embeddings of two classes and
  I and I' their image means; at most 2.6;
* "cosine": that of the image means, or of the texts where there are no images.

Similarities are computed in float64 and rounded to 6 decimals before they are sorted, and ties go
by key, so that the float noise of another machine does not change an order.

Memory: the features in float64, once on either side of a product, and `_BLOCK_BYTES` for a block of
rows, whatever the number of classes; never the matrix of all pairs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from isekai_gen.neighbors.class_features import ClassFeatures, Similarity, kind_of_similarity
from isekai_gen.neighbors.image_classes import ImageClass

SAME_KIND_WEIGHT, CROSS_KIND_WEIGHT = 0.5, 0.8
"""Weights of text-text and image-image, and of image-text, in the similarity "lcl"."""
_SCALE = 1_000_000
# Similarities of a block of rows, their sort keys and what is made of them on the way.
_BLOCK_BYTES = 48 << 20
_ARRAYS_IN_A_BLOCK = 4
_INDEX_BITS = 32

Order = npt.NDArray[np.int32]
Similarities = npt.NDArray[np.float32]
_Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClassRanking:
    """The other classes of a dataset as seen from one class.

    Attributes:
        key: Of the class.
        order: int32 [n - 1], indices of the other classes by falling similarity, ties by key.
        similarities: float32 [n - 1], of those classes, in that order.
        classes: All n classes, which `order` speaks of.
    """

    key: str
    order: Order
    similarities: Similarities
    classes: tuple[ImageClass, ...]

    @cached_property
    def keys_by_rank(self) -> tuple[str, ...]:
        """Keys of the other classes, most similar first."""
        return tuple(self.classes[index].key for index in self.order.tolist())


def ranked_classes(features: ClassFeatures, similarity: Similarity) -> Iterator[ClassRanking]:
    """Rank, for every class in turn, all other classes by falling similarity.

    Args:
        features: That have this similarity (`kind_of_similarity`).
        similarity: "lcl" or "cosine".

    Raises:
        ValueError: If the features have no such similarity.
    """
    left, right = comparison_sides(features, similarity)
    classes = features.classes
    # In order of keys, a tie is broken by the position alone.
    by_key = np.array(sorted(range(len(classes)), key=lambda row: classes[row].key), dtype=np.int64)
    position = np.empty_like(by_key)
    position[by_key] = np.arange(len(by_key))
    right = right[by_key]
    rows = block_rows(len(classes))
    for start in range(0, len(classes), rows):
        sort_keys = _sort_keys(left[start : start + rows], right)
        own = position[start : start + len(sort_keys)]
        # Above every other key, so that the class itself comes last and is cut off.
        sort_keys[np.arange(len(sort_keys)), own] = np.iinfo(np.int64).max
        sort_keys.sort(axis=1)
        for offset, row in enumerate(sort_keys[:, :-1]):
            order = by_key[row & (2**_INDEX_BITS - 1)].astype(np.int32)
            similarities = (-(row >> _INDEX_BITS) / _SCALE).astype(np.float32)
            yield ClassRanking(classes[start + offset].key, order, similarities, classes)


def comparison_sides(features: ClassFeatures, similarity: Similarity) -> tuple[_Matrix, _Matrix]:
    """Two matrices whose product has the similarities of all pairs of classes.

    For "lcl" the three sums are one product: [T, I] [0.5 T + 0.8 I, 0.8 T + 0.5 I]'.

    Returns:
        float64 [n, d] or [n, 2 d], twice.

    Raises:
        ValueError: If the features have no such similarity.
    """
    kind_of_similarity(features, similarity)  # refuses what the features have not
    text = None if features.text is None else features.text.astype(np.float64)
    images = None if features.images is None else features.images.astype(np.float64)
    if similarity == "lcl" and text is not None and images is not None:
        same, cross = SAME_KIND_WEIGHT, CROSS_KIND_WEIGHT
        right = [same * text + cross * images, cross * text + same * images]
        return np.concatenate([text, images], axis=1), np.concatenate(right, axis=1)
    compared = text if images is None else images
    if compared is None:
        raise ValueError("features without texts and images")
    return compared, compared


def block_rows(classes: int) -> int:
    """Rows of similarities to `classes` classes that are held at once, at least 1."""
    return max(1, _BLOCK_BYTES // (8 * _ARRAYS_IN_A_BLOCK * max(1, classes)))


def _sort_keys(left: _Matrix, right: _Matrix) -> npt.NDArray[np.int64]:
    """int64 [rows, n]: the negative similarity in the high bits, the column in the low ones."""
    products = left @ right.T
    products *= -_SCALE
    keys = np.rint(products, out=products).astype(np.int64)
    keys <<= _INDEX_BITS
    keys |= np.arange(right.shape[0], dtype=np.int64)
    return keys


def stratified_ranks(key: str, count: int, bins: int, seed: int) -> list[tuple[int, int]]:
    """One rank out of every bin of a ranking: bins of ceil(count / bins) ranks, the last shorter.

    Where `bins` does not divide `count`, the last bins may have no rank left and are missing. A
    class's draw depends on its own key alone.

    Args:
        key: Of the class (or concept) whose ranking it is.
        count: Length of the ranking.
        bins: At most `count`.
        seed: Of the draw, uniform within each bin.

    Returns:
        0-based bin and 0-based rank of each draw, in ascending order.
    """
    size = -(-count // bins)
    drawn = []
    for number, start in enumerate(range(0, count, size)):
        width = min(size, count - start)
        digest = hashlib.sha256(f"{seed} {key} {number}".encode()).digest()
        drawn.append((number, start + int.from_bytes(digest) % width))
    return drawn
