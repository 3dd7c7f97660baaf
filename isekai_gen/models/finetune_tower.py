"""An image tower of OpenCLIP whose weights can be trained and put back.

Layers that work otherwise while training (dropout, statistics of batches) stay as they are for
encoding: a run then depends on its batches alone, and no statistics drift with a small set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_batches import BATCH_ROWS
from isekai_gen.models.encoder_protocols import PreparedPicture
from isekai_gen.models.encoder_tower import OpenedEncoder, opened_encoder
from isekai_gen.models.quiet import quiet_libraries
from isekai_gen.models.spec import Device, EncoderSpec

if TYPE_CHECKING:
    import torch

TuneDtype = Literal["float32", "bfloat16"]
PictureRows = Callable[[Sequence[int]], npt.NDArray[np.uint8]]
"""From numbers of pictures to them, prepared: uint8 [n, height, width, 3]."""


class TunableTower:
    """The image tower of one loaded encoder, and its text side, which stays as it is.

    Attributes:
        encoder: Embeds texts; pictures too, with the weights of the moment.
        digest: Of the encoder as loaded.
        logit_scale: What the encoder multiplies similarities with before a softmax, over 0.
        device: Where it lies.
        dtype: Number format of its arithmetic; weights are float32 in any case.
    """

    def __init__(self, opened: OpenedEncoder, dtype: TuneDtype) -> None:
        """Around a loaded encoder; see `load_tunable_tower`."""
        self.encoder = opened.encoder
        self.digest = opened.encoder.digest
        self.logit_scale = float(opened.network.model.logit_scale.exp())
        self.device = opened.device
        self.dtype = dtype
        self._opened = opened
        self._visual = opened.visual
        self._loaded = self.weights()

    def prepare(self, image: Image.Image) -> PreparedPicture:
        """A picture of any size and mode as `unit_features` takes it."""
        return self._opened.prepare(image)

    def trainable(self) -> list[torch.nn.Parameter]:
        """The tower's weights, from now on with gradients."""
        self._visual.requires_grad_(True)
        return list(self._visual.parameters())

    def weights(self) -> dict[str, torch.Tensor]:
        """A copy of the tower's weights as they are, on the CPU."""
        state: dict[str, torch.Tensor] = self._visual.state_dict()
        return {name: each.detach().cpu().clone() for name, each in state.items()}

    def restore(self) -> None:
        """Put back the weights that were loaded."""
        self._visual.load_state_dict(self._loaded)
        self._visual.requires_grad_(False)

    def unit_features(self, pictures: npt.NDArray[np.uint8]) -> torch.Tensor:
        """Embeddings of prepared pictures in the graph: float32 [n, d], of length 1, on the device.

        Raises:
            ModelError: If the device runs out of memory.
        """
        import torch

        try:
            return self._opened.unit_features(pictures, in_bfloat16=self.dtype == "bfloat16")
        except torch.OutOfMemoryError as error:
            raise out_of_memory(self.device, len(pictures)) from error

    def embed(self, pictures: PictureRows, count: int) -> FloatArray:
        """Embeddings of all pictures with the weights of the moment: float32 [count, d].

        Batches have one size and are padded, so that a row does not depend on `count`.

        Raises:
            ModelError: If the device runs out of memory, or an embedding is not finite.
        """
        import torch

        size = BATCH_ROWS[self.device.type]
        found: list[FloatArray] = []
        with quiet_libraries(), torch.inference_mode():
            for start in range(0, count, size):
                rows = list(range(start, min(start + size, count)))
                padded = pictures([*rows, *[rows[0]] * (size - len(rows))])
                found.append(self.unit_features(padded)[: len(rows)].cpu().numpy())
        vectors = np.concatenate(found)
        if not np.isfinite(vectors).all():
            raise ModelError(
                "the image tower gave an embedding that is not finite; lower --learning-rate, or "
                "choose another encoder"
            )
        return vectors


def out_of_memory(device: torch.device, count: int) -> ModelError:
    """What to do where a device cannot hold a batch."""
    return ModelError(
        f"out of memory on {device} with {count} pictures at once; lower --batch, choose a smaller "
        "encoder or a device with more memory"
    )


def load_tunable_tower(spec: EncoderSpec, device: Device, dtype: TuneDtype) -> TunableTower:
    """Load an encoder of pictures and texts to train its image tower.

    Args:
        spec: ARCH/TAG, or a local folder in the layout of OpenCLIP.
        device: Where it works; on the CPU the process is set to one thread.
        dtype: Of the arithmetic.

    Raises:
        ModelError: If it cannot be found or loaded, or reads no text; one line with the remedy.
    """
    with opened_encoder(spec, device) as opened:
        return TunableTower(opened, dtype)
