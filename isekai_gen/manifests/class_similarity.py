"""How similar a concept is to every class of a dataset or reference set.

With texts and images on both sides, "lcl" is the class similarity of Link-Context Learning,
0.5 T.T' + 0.8 (T.I' + I.T') + 0.5 I.I', T and T' being the text embeddings and I and I' the image
means of concept and class; at most 2.6 (Tai et al., CVPR 2024; the weights are those of its code).
"cosine" is that of the image means. Where one side lacks texts or images, either is the cosine of
what both have. `kind` says which it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import EmbeddingTable, FloatArray
from isekai_gen.errors import InputError
from isekai_gen.neighbors.class_features import ClassFeatures, Similarity
from isekai_gen.neighbors.class_ranks import CROSS_KIND_WEIGHT, SAME_KIND_WEIGHT

# Float noise of another machine must not change an order: similarities are rounded, then sorted.
_DECIMALS = 6
Similarities = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ConceptEmbeddings:
    """What stands for the concepts.

    Attributes:
        text: Slug to text embedding; every concept.
        image_means: Slug to the normalized mean embedding of its kept images; a concept may be
            missing. None if no concept has any.
    """

    text: EmbeddingTable
    image_means: EmbeddingTable | None


@dataclass(frozen=True, eq=False)
class ClassSimilarity:
    """Similarities of one concept to every class, in the order of the classes.

    Attributes:
        kind: "lcl", "lcl-of-unit-means" (means over unit embeddings, as reference sets have them),
            "cosine-image" or "cosine-text".
        combined: float64, shape (n_classes,): what ranks go by.
        text: float64, shape (n_classes,): cosine of concept text and class text, or None.
        image: float64, shape (n_classes,): cosine of the two image means, or None.
    """

    kind: str
    combined: Similarities
    text: Similarities | None
    image: Similarities | None


def class_similarity(
    concept: str, embeddings: ConceptEmbeddings, classes: ClassFeatures, similarity: Similarity
) -> ClassSimilarity:
    """Similarities of the concept with slug `concept` to every class.

    Raises:
        InputError: If concept and classes have no kind of embedding in common.
        ValueError: If embeddings of different encoders would be compared.
    """
    tables = [embeddings.text, embeddings.image_means]
    encoders = {classes.encoder, *(table.encoder for table in tables if table is not None)}
    if len(encoders) > 1:
        raise ValueError(f"embeddings of different encoders: {sorted(encoders)}")
    own_text, own_image = (_vector(table, concept) for table in tables)
    texts, images = _cosines(classes.text, own_text), _cosines(classes.images, own_image)
    if images is None:
        if texts is None:
            raise InputError(
                f"concept {concept!r} and the classes have neither texts nor images in common; "
                "embed the concept's images, or choose another --reference"
            )
        return ClassSimilarity("cosine-text", texts, texts, None)
    text_to_image = _cosines(classes.images, own_text)
    image_to_text = _cosines(classes.text, own_image)
    if similarity == "cosine" or texts is None or text_to_image is None or image_to_text is None:
        return ClassSimilarity("cosine-image", images, texts, images)
    combined = SAME_KIND_WEIGHT * (texts + images)
    combined += CROSS_KIND_WEIGHT * (text_to_image + image_to_text)
    kind = "lcl" if classes.kind == "lcl" else "lcl-of-unit-means"
    return ClassSimilarity(kind, np.round(combined, _DECIMALS), texts, images)


def percentiles(similarities: Similarities) -> Similarities:
    """Of each similarity the share of all that are no higher: in (0, 1], 1 for the highest."""
    ascending = np.sort(similarities)
    below = np.searchsorted(ascending, similarities, side="right")
    return np.round(below / max(1, len(similarities)), _DECIMALS)


def _vector(table: EmbeddingTable | None, key: str) -> Similarities | None:
    if table is None or key not in table.ids:
        return None
    return np.asarray(table.vectors[table.ids.index(key)], dtype=np.float64)


def _cosines(rows: FloatArray | None, vector: Similarities | None) -> Similarities | None:
    if rows is None or vector is None:
        return None
    return np.asarray(np.round(rows.astype(np.float64) @ vector, _DECIMALS), dtype=np.float64)
