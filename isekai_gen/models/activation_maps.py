"""Activation maps as arrays, and what they explain of a picture.

The target of a map is how much more the picture is like its own concept's text than like the other
concepts' (`Target`), so that what all of them have in common does not light up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import ModelError

if TYPE_CHECKING:
    import torch

ActivationMethod = Literal["gradcam", "gradcam-elementwise", "relevance"]
ACTIVATION_METHODS: tuple[ActivationMethod, ...] = ("gradcam", "gradcam-elementwise", "relevance")
Target = Literal["similarity", "contrast", "logit"]
"""Cosine similarity with the own text; that, less the mean similarity with the others; or the log
probability of the own text among all at OpenCLIP's temperature of 0.01."""
TARGETS: tuple[Target, ...] = ("similarity", "contrast", "logit")
_SCALE = 100.0


@dataclass(frozen=True, eq=False)
class ActivationMaps:
    """Maps of some pictures.

    Attributes:
        values: float32 [n, grid_height, grid_width] in [0, 1], each divided by its maximum; all 0
            where nothing speaks for the target.
        found: bool [n]: whether anything does.
        similarities: float32 [n]: cosine similarity of the picture and its own text.
    """

    values: FloatArray
    found: npt.NDArray[np.bool_]
    similarities: FloatArray

    def __post_init__(self) -> None:
        count = len(self.found)
        if self.values.ndim != 3 or len(self.values) != count or len(self.similarities) != count:
            raise ValueError(
                f"values must have shape ({count}, height, width), got {self.values.shape}"
            )


@dataclass(frozen=True, eq=False)
class ConceptTexts:
    """Which text each picture is explained by, and against which others.

    Attributes:
        vectors: float32 [texts, d], unit rows from the encoder: one for each concept.
        own: Row of each picture's own concept, int [n].
        target: What of them a map explains.
    """

    vectors: FloatArray
    own: npt.NDArray[np.int64]
    target: Target = "contrast"

    def __post_init__(self) -> None:
        if self.own.ndim != 1 or (self.own.size and not self._in_range()):
            raise ValueError(f"own must be rows of {len(self.vectors)} texts, got {self.own}")
        if self.target != "similarity" and len(self.vectors) < 2:
            raise ValueError(f"target {self.target!r} needs at least two texts")

    def _in_range(self) -> bool:
        return bool(self.own.min() >= 0 and self.own.max() < len(self.vectors))


def explained(similarities: torch.Tensor, own: torch.Tensor, target: Target) -> torch.Tensor:
    """The target of each picture, in the graph.

    Args:
        similarities: float [n, texts], cosine.
        own: Rows of the own texts, int64 [n, 1].
        target: Which.

    Returns:
        float [n].
    """
    alike = similarities.gather(1, own)[:, 0]
    if target == "similarity":
        return alike
    if target == "logit":
        return (similarities * _SCALE).log_softmax(dim=1).gather(1, own)[:, 0]
    others = (similarities.sum(dim=1) - alike) / (similarities.shape[1] - 1)
    return alike - others


def normalized_maps(raw: FloatArray, similarities: FloatArray) -> ActivationMaps:
    """Maps, each divided by its maximum.

    Args:
        raw: float32 [n, grid_height, grid_width], at least 0.
        similarities: float32 [n].

    Raises:
        ModelError: If an activation is not finite.
    """
    if not np.isfinite(raw).all():
        raise ModelError("the encoder gave an activation that is not finite; use another one")
    peaks = raw.max(axis=(1, 2), keepdims=True)
    found = peaks[:, 0, 0] > 0
    values = np.divide(raw, peaks, out=np.zeros_like(raw), where=peaks > 0)
    return ActivationMaps(values, found, similarities)
