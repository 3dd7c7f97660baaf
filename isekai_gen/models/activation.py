"""What in a picture makes an encoder see a concept: maps on the grid of its image tower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import ModelError
from isekai_gen.models.activation_maps import (
    ACTIVATION_METHODS,
    TARGETS,
    ActivationMaps,
    ActivationMethod,
    ConceptTexts,
    Target,
    explained,
    normalized_maps,
)
from isekai_gen.models.activation_methods import (
    Targets,
    grad_cam,
    grad_cam_elementwise,
    relevance,
    require_relevance,
)
from isekai_gen.models.activation_towers import Tower, find_tower
from isekai_gen.models.activation_view import PictureView, view_of
from isekai_gen.models.encoder_tower import OpenedEncoder, opened_encoder
from isekai_gen.models.quiet import quiet_libraries
from isekai_gen.models.spec import Device, EncoderSpec

if TYPE_CHECKING:
    import torch

__all__ = [
    "ACTIVATION_METHODS",
    "TARGETS",
    "ActivationMapper",
    "ActivationMaps",
    "ActivationMethod",
    "ConceptTexts",
    "Target",
    "load_activation_mapper",
]

_ROWS = {"cpu": 16, "cuda": 64}
"""Rows of every batch, padded: a map's bits depend on it. Relevance keeps all attention weights."""
_EXPLAIN = {
    "gradcam": grad_cam,
    "gradcam-elementwise": grad_cam_elementwise,
    "relevance": relevance,
}


class ActivationMapper:
    """Makes activation maps with one loaded encoder.

    Attributes:
        encoder: Embeds texts and pictures with the same network.
        digest: Of the encoder.
    """

    def __init__(self, opened: OpenedEncoder, tower: Tower) -> None:
        """Around a loaded encoder and where to look in it; see `load_activation_mapper`."""
        self.encoder = opened.encoder
        self.digest = opened.encoder.digest
        self._opened = opened
        self._tower = tower
        self._device = opened.device

    def view(self, width: int, height: int) -> PictureView:
        """Which part of a picture of a size, in pixels, the grid covers.

        Raises:
            ModelError: If the encoder does more than resize, cut and pad.
        """
        return view_of(self._opened.network.preparation, width, height)

    @property
    def best_method(self) -> ActivationMethod:
        """What finds objects best, by measurement: relevance where it is defined, else Grad-CAM."""
        try:
            require_relevance(self._tower)
        except ModelError:
            return "gradcam"
        return "relevance"

    def require(self, method: ActivationMethod) -> None:
        """Raise ModelError if the encoder's image tower does not allow a method."""
        if method == "relevance":
            require_relevance(self._tower)

    def maps(
        self, images: Sequence[Image.Image], texts: ConceptTexts, method: ActivationMethod
    ) -> ActivationMaps:
        """Maps of pictures; each depends on its own picture and text alone, to the bit.

        Args:
            images: At least one, of any size and mode.
            texts: Their concepts'.
            method: How.

        Raises:
            ModelError: If the device runs out of memory, the tower does not allow the method, or
                a map is not finite.
            ValueError: If pictures and texts do not fit each other.
        """
        if not images or len(texts.own) != len(images):
            raise ValueError(f"{len(images)} pictures cannot have {len(texts.own)} own texts")
        self.require(method)
        rows = _ROWS[self._device.type]
        raw: list[FloatArray] = []
        similarities: list[FloatArray] = []
        for at in range(0, len(images), rows):
            prepared = [self._opened.prepare(each) for each in images[at : at + rows]]
            found, alike = self._batch(np.stack(prepared), texts, texts.own[at : at + rows], method)
            raw.append(found)
            similarities.append(alike)
        return normalized_maps(np.concatenate(raw), np.concatenate(similarities))

    def _batch(
        self,
        prepared: npt.NDArray[np.uint8],
        texts: ConceptTexts,
        own: npt.NDArray[np.int64],
        method: ActivationMethod,
    ) -> tuple[FloatArray, FloatArray]:
        """Maps before normalization and similarities, of at most a batch."""
        import torch

        count, rows = len(prepared), _ROWS[self._device.type]
        padding = rows - count
        padded = np.concatenate([prepared, np.repeat(prepared[:1], padding, axis=0)])
        padded_own = np.concatenate([own, np.repeat(own[:1], padding)])
        vectors = torch.from_numpy(texts.vectors).to(self._device)
        alike: list[torch.Tensor] = []

        def targets() -> torch.Tensor:
            similarities = self._opened.unit_features(padded) @ vectors.T
            index = torch.from_numpy(padded_own).to(self._device)[:, None]
            alike.append(similarities.detach().gather(1, index)[:, 0])
            return explained(similarities, index, texts.target)

        found = self._explain(targets, method)
        return found[:count].cpu().numpy(), alike[0][:count].cpu().numpy()

    def _explain(self, targets: Targets, method: ActivationMethod) -> torch.Tensor:
        import torch

        try:
            with quiet_libraries(), torch.enable_grad():
                return _EXPLAIN[method](self._tower, targets).float()
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"out of memory on {self._device} when explaining {_ROWS[self._device.type]} "
                "pictures at once; use a smaller encoder or a device with more memory"
            ) from error


def load_activation_mapper(spec: EncoderSpec, device: Device) -> ActivationMapper:
    """Load an encoder of pictures and texts to make activation maps with it.

    Args:
        spec: ARCH/TAG, or a local folder in the layout of OpenCLIP.
        device: Where it works; on the CPU the process is set to one thread.

    Raises:
        ModelError: If it cannot be found or loaded, reads no text, or has an image tower that
            shows no maps; one line with the remedy.
    """
    with opened_encoder(spec, device) as opened:
        return ActivationMapper(opened, find_tower(opened.visual))
