"""What a class's images have in common: its prototype, and how similar they are to it.

Embeddings are read in blocks, so that those of a million images need not fit the memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import EmbeddingTable, FloatArray, normalized
from isekai_gen.neighbors.reference_set import FINE_QUANTILES, ReferenceClass, ReferenceSet
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray, pair_similarities
from isekai_gen.neighbors.vectors import ArrayVectors, Vectors, unit_block

NO_CLASS = -1
_BLOCK_ROWS = 8192


@dataclass(frozen=True, eq=False)
class ClassSummary:
    """Prototypes of classes, in their order.

    Attributes:
        prototypes: float32 [classes, d], unit rows: the normalized mean of each class's images.
        own_similarity: float64 [classes, 21]: `FINE_QUANTILES` of the images' similarity.
        sizes: int64 [classes]: how many images each class has.
    """

    prototypes: FloatArray
    own_similarity: ScoreArray
    sizes: IndexArray


def summarize_classes(vectors: Vectors, class_of: IndexArray, classes: int) -> ClassSummary:
    """Prototypes and own similarities of classes.

    Own similarities compare each image with the prototype of the *others*: an image that helped to
    make the prototype lies nearer to it than a new image of the class would. The result does not
    depend on the size of the blocks.

    Args:
        vectors: n rows, need not be normalized.
        class_of: int64 [n]: each row's class in 0..classes - 1, or `NO_CLASS`.
        classes: How many classes there are; each has at least 2 rows.

    Raises:
        ValueError: If a class has fewer than 2 rows, or its embeddings cancel out.
    """
    sizes = np.bincount(class_of[class_of != NO_CLASS], minlength=classes)
    if (sizes < 2).any():
        raise ValueError(f"class {int(np.argmin(sizes))} has {sizes.min()} image(s), not 2 or more")
    totals = class_totals(vectors, class_of, classes)
    similarities = own_similarities(vectors, class_of, totals)
    order = np.argsort(class_of, kind="stable")[np.count_nonzero(class_of == NO_CLASS) :]
    of_class = np.split(similarities[order], np.cumsum(sizes)[:-1])
    quantiles = np.stack([np.quantile(values, FINE_QUANTILES) for values in of_class])
    # Interpolation between equal values may be off by a rounding, and quantiles must not descend.
    own = np.maximum.accumulate(quantiles, axis=1)
    return ClassSummary(normalized(totals), own, sizes.astype(np.int64))


def class_totals(vectors: Vectors, class_of: IndexArray, classes: int) -> ScoreArray:
    """Sum of each class's unit rows, float64 [classes, d]; arguments as `summarize_classes`."""
    count, dimensions = vectors.shape
    totals = np.zeros((classes, dimensions), dtype=np.float64)
    for start in range(0, count, _BLOCK_ROWS):
        rows = unit_block(vectors, start, min(start + _BLOCK_ROWS, count)).astype(np.float64)
        labels = class_of[start : start + len(rows)]
        for label in np.unique(labels[labels != NO_CLASS]):
            # numpy's sum over axis 0 adds row after row in order, so going on from the sum of
            # earlier blocks gives the same bits as one sum over all of them.
            parts = np.concatenate([totals[label][None], rows[labels == label]])
            totals[label] = parts.sum(axis=0)
    return totals


def own_similarities(vectors: Vectors, class_of: IndexArray, totals: ScoreArray) -> ScoreArray:
    """Similarity of each row to the sum of the *other* rows of its class.

    Args:
        vectors: n rows.
        class_of: int64 [n]; no class that is named has a single row.
        totals: What `class_totals` gave.

    Returns:
        float64 [n]; 0 for rows of no class.

    Raises:
        ValueError: If such a sum is zero.
    """
    count = vectors.shape[0]
    similarities = np.zeros(count, dtype=np.float64)
    for start in range(0, count, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, count)
        inside = np.flatnonzero(class_of[start:stop] != NO_CLASS)
        rows = unit_block(vectors, start, stop)[inside]
        others = normalized(totals[class_of[start + inside]] - rows)
        similarities[start + inside] = pair_similarities(rows, others)
    return similarities


def build_reference(
    name: str,
    encoder_label: str,
    classes: Sequence[ReferenceClass],
    text_vectors: npt.ArrayLike | None,
    image_vectors_by_class: Mapping[str, npt.ArrayLike],
) -> ReferenceSet:
    """A reference set of classes from the embeddings of their names and of real images.

    Args:
        name: Name of the set.
        encoder_label: Identity of the encoder.
        classes: In the order of `text_vectors`.
        text_vectors: Shape (classes, d), need not be normalized; None without names.
        image_vectors_by_class: Class key to shape (images >= 2, d); empty without images,
            otherwise every class. They go into prototypes; the set lists no single images.

    Raises:
        ValueError: If a class has no images while others do, has only one, or a vector is zero.
    """
    keys = tuple(entry.key for entry in classes)
    text = None
    if text_vectors is not None:
        text = EmbeddingTable(keys, normalized(text_vectors), encoder_label)
    if not image_vectors_by_class:
        return ReferenceSet(name, encoder_label, tuple(classes), text, None, {})
    if set(image_vectors_by_class) != set(keys):
        differing = sorted(set(image_vectors_by_class) ^ set(keys))
        raise ValueError(
            f"either every class has images or none: {', '.join(differing[:5])} differ"
        )
    rows = [normalized(image_vectors_by_class[key]) for key in keys]
    for key, images in zip(keys, rows, strict=True):
        if len(images) < 2:
            raise ValueError(f"class {key} has {len(images)} image(s); at least 2 are needed")
    class_of = np.repeat(np.arange(len(keys), dtype=np.int64), [len(images) for images in rows])
    summary = summarize_classes(ArrayVectors(np.concatenate(rows)), class_of, len(keys))
    return ReferenceSet(
        name,
        encoder_label,
        tuple(classes),
        text,
        EmbeddingTable(keys, summary.prototypes, encoder_label),
        quantiles_by_key(keys, summary),
        sizes_by_key(keys, summary),
    )


def quantiles_by_key(keys: Sequence[str], summary: ClassSummary) -> dict[str, tuple[float, ...]]:
    """Class key to its own similarities, as a reference set has them."""
    rows = summary.own_similarity.tolist()
    return {key: tuple(row) for key, row in zip(keys, rows, strict=True)}


def sizes_by_key(keys: Sequence[str], summary: ClassSummary) -> dict[str, int]:
    """Class key to how many images it has."""
    return dict(zip(keys, summary.sizes.tolist(), strict=True))
