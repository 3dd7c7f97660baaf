"""How similar a concept is to every class of a reference set.

With texts and images on both sides it is the class similarity of Link-Context Learning,
0.5 T.T' + 0.8 (T.I' + I.T') + 0.5 I.I', T and T' being the text embeddings and I and I' the image
means of concept and class; at most 2.6 (Tai et al., CVPR 2024; the weights are those of its
code, where the image mean is over up to 100 images). Where one side lacks texts or images, it is
the plain cosine of what both have, and `kind` says which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import EmbeddingTable
from isekai_gen.errors import InputError
from isekai_gen.neighbors.reference import ReferenceSet

_SAME_HEAD, _CROSS_HEAD = 0.5, 0.8
# Float noise of another machine must not change an order: similarities are rounded, then sorted.
_DECIMALS = 6
Similarities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClassSimilarity:
    """Similarities of one concept to every class, in the order of the reference set's classes.

    Attributes:
        kind: "text-and-image", "text-only" or "image-only".
        combined: float64, shape (n_classes,): what ranks go by.
        text: float64, shape (n_classes,): cosine of concept text and class text, or None.
        image: float64, shape (n_classes,): cosine of the two image means, or None.
    """

    kind: str
    combined: Similarities
    text: Similarities | None
    image: Similarities | None


def class_similarity(
    concept: str,
    image_means: EmbeddingTable | None,
    text: EmbeddingTable,
    reference: ReferenceSet,
) -> ClassSimilarity:
    """Similarities of the concept with slug `concept` to every class.

    Raises:
        InputError: If the concept and the reference set have no kind of embedding in common.
        ValueError: If embeddings of different encoders would be compared.
    """
    encoders = {reference.encoder, text.encoder}
    if image_means is not None:
        encoders.add(image_means.encoder)
    if len(encoders) > 1:
        raise ValueError(f"embeddings of different encoders: {sorted(encoders)}")
    own_text, own_image = _vector(text, concept), _vector(image_means, concept)
    class_text, class_image = _rows(reference.text), _rows(reference.prototypes)
    texts = None if class_text is None or own_text is None else _cosines(class_text, own_text)
    if class_image is None or own_image is None:
        if texts is None:
            raise InputError(
                f"reference set {reference.name!r} and concept {concept!r} have neither texts nor "
                "images in common; embed the concept's images, or choose another --reference"
            )
        return ClassSimilarity("text-only", texts, texts, None)
    images = _cosines(class_image, own_image)
    if texts is None or class_text is None or own_text is None:
        return ClassSimilarity("image-only", images, None, images)
    crossed = _cosines(class_image, own_text) + _cosines(class_text, own_image)
    combined = _SAME_HEAD * (texts + images) + _CROSS_HEAD * crossed
    return ClassSimilarity("text-and-image", np.round(combined, _DECIMALS), texts, images)


def _vector(table: EmbeddingTable | None, key: str) -> Similarities | None:
    if table is None or key not in table.ids:
        return None
    return np.asarray(table.vectors[table.ids.index(key)], dtype=np.float64)


def _rows(table: EmbeddingTable | None) -> Similarities | None:
    return None if table is None else np.asarray(table.vectors, dtype=np.float64)


def _cosines(rows: Similarities, vector: Similarities) -> Similarities:
    return np.asarray(np.round(rows @ vector, _DECIMALS), dtype=np.float64)
