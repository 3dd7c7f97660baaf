"""What in a picture makes an encoder see a concept: maps on the grid of its image tower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
from isekai_gen.models.encoder_files import find_encoder_files
from isekai_gen.models.encoder_kinds import require_text_side
from isekai_gen.models.encoder_loaders import Network, load_network
from isekai_gen.models.encoder_protocols import TextEncoder
from isekai_gen.models.encoders import PictureTextEncoder
from isekai_gen.models.profile import make_deterministic, torch_device
from isekai_gen.models.quiet import hide_progress_bars, quiet_libraries
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

    def __init__(
        self, network: Network, encoder: TextEncoder, tower: Tower, device: torch.device
    ) -> None:
        """Around a loaded network; see `load_activation_mapper`."""
        self.encoder = encoder
        self.digest = encoder.digest
        self._network = network
        self._tower = tower
        self._device = device
        self._normalize = network.preparation.normalizer(device)

    def view(self, width: int, height: int) -> PictureView:
        """Which part of a picture of a size, in pixels, the grid covers.

        Raises:
            ModelError: If the encoder does more than resize, cut and pad.
        """
        return view_of(self._network.preparation, width, height)

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
            prepared = [self._network.preparation.resized(each) for each in images[at : at + rows]]
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
        pictures = self._normalize(torch.from_numpy(padded).to(self._device))
        vectors = torch.from_numpy(texts.vectors).to(self._device)
        alike: list[torch.Tensor] = []

        def targets() -> torch.Tensor:
            embedded = torch.nn.functional.normalize(self._network.encode(pictures).float(), dim=-1)
            similarities = embedded @ vectors.T
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
    require_text_side(spec)
    files = find_encoder_files(spec)
    target = torch_device(device)
    make_deterministic(device)
    try:
        with quiet_libraries():
            hide_progress_bars()
            network = load_network(files, target)
            if network.text is None:
                raise TypeError(f"{spec.source}: loaded without its text side")
            encoder = PictureTextEncoder(
                network, network.text, target, files.digest, resize_on_device=False
            )
        return ActivationMapper(network, encoder, find_tower(_visual(network)), target)
    except ModelError as error:
        raise ModelError(f"{spec.source}: {error}") from error
    except Exception as error:  # the libraries raise nearly every type for a broken model
        detail = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{spec.source}: {files.kind} cannot load this encoder "
            f"({type(error).__name__}: {detail}); download it again or choose another"
        ) from error


def _visual(network: Network) -> Any:  # noqa: ANN401 - a module of OpenCLIP
    """The image tower; gradients are taken on activations only, never on weights."""
    model: Any = getattr(network.encode, "__self__", None)
    if not hasattr(model, "visual"):
        raise ModelError("this encoder has no image tower of OpenCLIP; use another one")
    model.requires_grad_(False)
    return model.visual
