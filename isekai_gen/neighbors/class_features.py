"""What stands for each class when classes are compared: its name's and its images' embedding."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from isekai_gen.embeddings import FloatArray
from isekai_gen.hashing import digest_of
from isekai_gen.neighbors.image_classes import ClassNames, ImageClass
from isekai_gen.neighbors.reference_set import ReferenceSet

Similarity = Literal["lcl", "cosine"]
FeatureKind = Literal["lcl", "cosine", "text-only"]
SimilarityKind = Literal["lcl", "lcl-of-unit-means", "cosine-image", "cosine-text"]
"""What a similarity is; "lcl-of-unit-means" takes means over unit embeddings, as reference sets do.
"""
_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class ClassFeatures:
    """Embeddings of classes by one encoder; all rows are of unit length.

    Attributes:
        classes: n classes with distinct keys.
        text: float32 [n, d], of the classes' bare names; None from an encoder of pictures only.
        images: float32 [n, d], normalized means over images of each class; None without images.
        kind: How they were made. "lcl": means over embeddings as the encoder gave them, as Tai et
            al., "Link-Context Learning for Multimodal LLMs" (CVPR 2024), did; "cosine": means
            over unit embeddings; "text-only": no images.
        encoder: Identity of the encoder.
    """

    classes: tuple[ImageClass, ...]
    text: FloatArray | None
    images: FloatArray | None
    kind: FeatureKind
    encoder: str = ""

    def __post_init__(self) -> None:
        keys = {entry.key for entry in self.classes}
        if len(keys) != len(self.classes):
            raise ValueError("classes must have distinct keys")
        if (self.images is None) != (self.kind == "text-only"):
            raise ValueError(f"features of kind {self.kind!r} must have images, unless text-only")
        if self.text is None and self.kind != "cosine":
            raise ValueError(f"features of kind {self.kind!r} must have texts")
        for what, rows in (("text", self.text), ("images", self.images)):
            if rows is not None:
                _check_rows(what, rows, len(self.classes))

    def digest(self) -> str:
        """SHA-256 (64 hex digits) over everything in it."""
        arrays = [
            "" if rows is None else hashlib.sha256(rows.tobytes()).hexdigest()
            for rows in (self.text, self.images)
        ]
        return digest_of([[asdict(entry) for entry in self.classes], arrays, self.kind])


def kind_of_similarity(features: ClassFeatures, similarity: Similarity) -> SimilarityKind:
    """What the similarities of these classes are, as tables call it.

    Raises:
        ValueError: If the features have no such similarity: "lcl" needs texts and images, and
            "cosine" means over unit embeddings.
    """
    if similarity == "lcl" and features.text is not None and features.images is not None:
        return "lcl" if features.kind == "lcl" else "lcl-of-unit-means"
    if similarity == "lcl" or features.kind == "lcl":
        raise ValueError(f"features of kind {features.kind!r} have no similarity {similarity!r}")
    return "cosine-text" if features.images is None else "cosine-image"


def _check_rows(what: str, rows: FloatArray, count: int) -> None:
    if rows.ndim != 2 or len(rows) != count or rows.dtype != np.float32:
        raise ValueError(f"{what} must be float32 [{count}, d], got {rows.dtype} {rows.shape}")
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    if not np.all(np.abs(norms - 1) < _UNIT_TOLERANCE):
        raise ValueError(f"{what} must have rows of unit length; use embeddings.normalized")


def features_of_reference(
    reference: ReferenceSet, names: ClassNames | None = None
) -> ClassFeatures:
    """The classes of a reference set; its prototypes are means over unit embeddings.

    Args:
        reference: With classes.
        names: Knows the ids of ImageNet's classes; None leaves all but the wnid unknown.
    """
    classes = []
    for entry in reference.classes:
        known = names.name_class(entry.wnid) if names and entry.wnid else ImageClass("", "")
        classes.append(
            ImageClass(entry.key, entry.name, entry.wnid, known.ilsvrc_id, known.class_index)
        )
    images = None if reference.prototypes is None else reference.prototypes.vectors
    return ClassFeatures(
        tuple(classes),
        None if reference.text is None else reference.text.vectors,
        images,
        "text-only" if images is None else "cosine",
        reference.encoder,
    )
