"""An encoder of OpenCLIP opened up, for what looks into its image tower or trains it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_kinds import require_text_side
from isekai_gen.models.encoder_loaders import Network
from isekai_gen.models.encoder_protocols import PreparedPicture, TextEncoder
from isekai_gen.models.encoders import PictureTextEncoder, loaded_network
from isekai_gen.models.spec import Device, EncoderSpec

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class OpenedEncoder:
    """An encoder of pictures and texts whose modules can be reached.

    Attributes:
        network: Before batches; none of its weights has a gradient.
        encoder: Embeds texts and pictures with it as anywhere else.
        device: Where it lies.
        normalize: From uint8 [n, height, width, 3] to what the network takes.
    """

    network: Network
    encoder: TextEncoder
    device: torch.device
    normalize: Callable[[torch.Tensor], torch.Tensor]

    @property
    def visual(self) -> Any:  # noqa: ANN401 - a module of OpenCLIP
        """The image tower."""
        return self.network.model.visual

    def prepare(self, image: Image.Image) -> PreparedPicture:
        """A picture of any size and mode as `unit_features` takes it."""
        return self.network.preparation.resized(image)

    def unit_features(
        self, pictures: npt.NDArray[np.uint8], *, in_bfloat16: bool = False
    ) -> torch.Tensor:
        """Embeddings of prepared pictures, in the graph.

        Args:
            pictures: uint8 [n, height, width, 3].
            in_bfloat16: Whether the network computes in bfloat16; its weights stay float32.

        Returns:
            float32 [n, d], of length 1, on the device.
        """
        import torch

        given = self.normalize(torch.from_numpy(pictures).to(self.device))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=in_bfloat16):
            found = self.network.encode(given)
        return torch.nn.functional.normalize(found.float(), dim=-1)


@contextmanager
def opened_encoder(spec: EncoderSpec, device: Device) -> Iterator[OpenedEncoder]:
    """Load an encoder of pictures and texts for what is made around it within the block.

    Args:
        spec: ARCH/TAG, or a local folder in the layout of OpenCLIP.
        device: Where it works; on the CPU the process is set to one thread.

    Raises:
        ModelError: If it cannot be found or loaded, reads no text or has no image tower, or the
            block fails in any way; one line that names the encoder.
    """
    require_text_side(spec)
    with loaded_network(spec, device) as (network, target, digest):
        if network.text is None or not hasattr(network.model, "visual"):
            raise ModelError("this encoder has no image tower of OpenCLIP; use another one")
        network.model.requires_grad_(False)
        encoder = PictureTextEncoder(network, network.text, target, digest, resize_on_device=False)
        yield OpenedEncoder(network, encoder, target, network.preparation.normalizer(target))
