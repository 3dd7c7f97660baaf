"""How much more like its own concept's text an image is than like any other's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.filters.base import Evidence
from isekai_gen.neighbors.nearest import nearest_rows
from isekai_gen.neighbors.similarity import IndexArray, ScoreArray, pair_similarities
from isekai_gen.records import ImageRecord


def find_distractors(
    images: Sequence[ImageRecord], embeddings: EmbeddingTable, texts: EmbeddingTable
) -> dict[str, Evidence]:
    """Image id to its similarity to its own text minus that to the best other, and whose that is.

    Args:
        images: With an embedding each.
        embeddings: By image id.
        texts: By concept slug: of at least two concepts, the images' own among them.

    Raises:
        KeyError: If an image has no embedding, or its concept no text.
        ValueError: If there is no other concept, or encoders differ.
    """
    if len(texts) < 2:
        raise ValueError("a catalog of one concept has no other to tell its images from")
    asked = embeddings.select([image.image_id for image in images])
    own_rows = rows_of([image.concept for image in images], texts)
    own = pair_similarities(asked.vectors, texts.vectors[own_rows])
    other, best = best_others(asked, own_rows, texts)
    return {
        image.image_id: Evidence(float(own[n] - best[n]), texts.ids[other[n]])
        for n, image in enumerate(images)
    }


def rows_of(keys: Sequence[str], table: EmbeddingTable) -> IndexArray:
    """Row of each key, int64 [len(keys)]; KeyError names one that is not there."""
    row_of = {key: row for row, key in enumerate(table.ids)}
    return np.array([row_of[key] for key in keys], dtype=np.int64)


def best_others(
    asked: EmbeddingTable, own_rows: IndexArray, table: EmbeddingTable
) -> tuple[IndexArray, ScoreArray]:
    """The row most similar to each asked one beside its own, and the similarity.

    Args:
        asked: n embeddings.
        own_rows: int64 [n], rows of `table`.
        table: At least two embeddings.

    Returns:
        int64 [n] and float64 [n].
    """
    rows, similarities = nearest_rows(asked, table, 2)
    # It is the nearest row, unless that is its own.
    place = (rows[:, 0] == own_rows).astype(np.int64)
    each = np.arange(len(asked))
    return rows[each, place], similarities[each, place]
