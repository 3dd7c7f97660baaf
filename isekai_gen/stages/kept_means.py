"""What stands for a concept's kept images together: the mean of their embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from isekai_gen.embeddings import EmbeddingTable, normalized
from isekai_gen.records import ImageRecord


def kept_means(
    embeddings: EmbeddingTable, kept: Mapping[str, Sequence[ImageRecord]]
) -> EmbeddingTable | None:
    """Concept slug to the normalized mean embedding of its kept images; None if none is kept.

    Args:
        embeddings: Of all kept images, by image id.
        kept: Concept slug to its kept images; concepts without any are left out.
    """
    means = {
        slug: embeddings.select([image.image_id for image in images])
        .vectors.astype(np.float64)
        .mean(axis=0)
        for slug, images in kept.items()
        if images
    }
    if not means:
        return None
    return EmbeddingTable(
        tuple(means), normalized(np.stack(list(means.values()))), embeddings.encoder
    )
