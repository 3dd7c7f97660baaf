"""Load an encoder: of pictures and texts (OpenCLIP), or of pictures only (timm, TorchScript).

Batches have one fixed shape, padded, so that an embedding's bits do not depend on how many others
were encoded with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PIL import Image

from isekai_gen.embeddings import FloatArray
from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_batches import (
    BATCH_ROWS,
    EncodedBatch,
    joined_vectors,
    new_batch,
    start_batch,
)
from isekai_gen.models.encoder_files import find_encoder_files, identify_encoder
from isekai_gen.models.encoder_kinds import require_text_side
from isekai_gen.models.encoder_loaders import Network, TextSide, load_network
from isekai_gen.models.encoder_protocols import (
    Encoder,
    PendingVectors,
    PreparedPicture,
    TextEncoder,
)
from isekai_gen.models.encoder_resize_device import DeviceResizing, can_resize_on_device
from isekai_gen.models.profile import make_deterministic, torch_device
from isekai_gen.models.quiet import hide_progress_bars, quiet_libraries
from isekai_gen.models.spec import Device, EncoderSpec
from isekai_gen.pixels import RgbPixels, rgb_pixels

if TYPE_CHECKING:
    import torch

__all__ = ["identify_encoder", "load_encoder", "load_text_encoder", "loaded_network"]


class PictureEncoder:
    """An encoder (`Encoder`) around a loaded network.

    Attributes:
        digest: SHA-256 over everything that its embeddings depend on, beside the machine.
        dim: Length of an embedding.
        batch_rows: Rows of every batch.
    """

    def __init__(
        self, network: Network, device: torch.device, digest: str, *, resize_on_device: bool
    ) -> None:
        """Try the network on a blank picture.

        Args:
            network: What encodes, on the device.
            device: Where it lies.
            digest: Of its files.
            resize_on_device: Whether pictures are resized there rather than by Pillow, where that
                can be done to the bit; of use on a GPU.

        Raises:
            ModelError: If it gives anything but one vector for a picture.
        """
        self._network = network
        self._device = device
        self._normalize = network.preparation.normalizer(device)
        self.digest = digest
        self.batch_rows = BATCH_ROWS[device.type]
        self._resizing: DeviceResizing | None = None
        blank = self.prepare(Image.new("RGB", (64, 64), (90, 120, 150)))
        self._shape = blank.shape
        if resize_on_device and can_resize_on_device(network.preparation):
            self._resizing = DeviceResizing(network.preparation, device, self._shape)
        self.dim = self._start([blank], rows=1).dim

    def prepare(self, image: Image.Image, pixels: RgbPixels | None = None) -> PreparedPicture:
        """A picture of any size and mode as `start` takes it; may be called from any thread.

        Args:
            image: The picture.
            pixels: What `rgb_pixels` gave for it, where it was called already.
        """
        if self._resizing is not None and self._resizing.takes(image):
            return rgb_pixels(image) if pixels is None else pixels
        return self._network.preparation.resized(image)

    def start(self, prepared: Sequence[PreparedPicture]) -> PendingVectors:
        """Begin to embed 1 to `batch_rows` prepared pictures; on a GPU, without waiting.

        Raises:
            ModelError: If the device runs out of memory, or the model cannot take them.
        """
        return self._start(prepared, self.batch_rows)

    def _start(self, prepared: Sequence[PreparedPicture], rows: int) -> EncodedBatch:
        import torch

        if self._resizing is not None:
            resized = self._resizing.batch(prepared, rows)
            return start_batch(self._encode, resized, len(prepared), self._device)
        batch = new_batch(self._device, self._shape, torch.uint8, rows)
        filled = batch.numpy()
        for row, picture in enumerate(prepared):
            filled[row] = picture
        filled[len(prepared) :] = prepared[0]
        return start_batch(self._encode, batch, len(prepared), self._device)

    def _encode(self, pictures: torch.Tensor) -> torch.Tensor:
        return self._network.encode(self._normalize(pictures))

    def encode_prepared(self, prepared: Sequence[PreparedPicture]) -> FloatArray:
        """Embed any number of prepared pictures: float32 [n, dim], unit rows, in their order.

        Raises:
            ModelError: As `start`, or if an embedding is not finite.
        """
        rows = self.batch_rows
        starts = range(0, len(prepared), rows)
        return joined_vectors((self.start(prepared[at : at + rows]) for at in starts), self.dim)

    def encode_images(self, images: Sequence[Image.Image]) -> FloatArray:
        """Embed pictures of any size and mode: float32 [n, dim], unit rows, in their order.

        Raises:
            ModelError: As `start`, or if an embedding is not finite.
        """
        rows = self.batch_rows
        pending = (
            self.start([self.prepare(image) for image in images[at : at + rows]])
            for at in range(0, len(images), rows)
        )
        return joined_vectors(pending, self.dim)


class PictureTextEncoder(PictureEncoder):
    """An encoder (`TextEncoder`) that reads text, too."""

    def __init__(
        self,
        network: Network,
        text: TextSide,
        device: torch.device,
        digest: str,
        *,
        resize_on_device: bool,
    ) -> None:
        """As `PictureEncoder`, with the text side of the network."""
        super().__init__(network, device, digest, resize_on_device=resize_on_device)
        self._text = text

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts, each cut at the window: float32 [n, dim], unit rows, in their order.

        Raises:
            ModelError: If the device runs out of memory or an embedding is not finite.
        """
        rows = self.batch_rows
        starts = range(0, len(texts), rows)
        return joined_vectors((self._start_texts(texts[at : at + rows]) for at in starts), self.dim)

    def _start_texts(self, texts: Sequence[str]) -> PendingVectors:
        with quiet_libraries():
            tokens = self._text.tokenize(list(texts))
        batch = new_batch(self._device, tuple(tokens.shape[1:]), tokens.dtype)
        batch[: len(texts)] = tokens
        batch[len(texts) :] = tokens[:1]
        return start_batch(self._text.encode, batch, len(texts), self._device)


def load_encoder(spec: EncoderSpec, device: Device) -> Encoder:
    """Load any encoder onto a device, and make this process deterministic.

    Args:
        spec: ARCH/TAG, a local folder, or a TorchScript file, which is a program: only ever one
            that a person named.
        device: Where it encodes; on the CPU the process is set to one thread.

    Raises:
        ModelError: If the model cannot be found or loaded, or gives anything but one vector for
            each picture; one line with the remedy.
    """
    return _load(spec, device)


def load_text_encoder(spec: EncoderSpec, device: Device) -> TextEncoder:
    """As `load_encoder`, for what has to read text, too.

    Raises:
        ModelError: As `load_encoder`, or if it reads none.
    """
    require_text_side(spec)
    encoder = _load(spec, device)
    if not isinstance(encoder, PictureTextEncoder):
        raise TypeError(f"{spec.source}: loaded without its text side")
    return encoder


def _load(spec: EncoderSpec, device: Device) -> PictureEncoder:
    on_gpu = device.kind == "cuda"
    with loaded_network(spec, device) as (network, target, digest):
        if network.text is None:
            return PictureEncoder(network, target, digest, resize_on_device=on_gpu)
        return PictureTextEncoder(network, network.text, target, digest, resize_on_device=on_gpu)


@contextmanager
def loaded_network(
    spec: EncoderSpec, device: Device
) -> Iterator[tuple[Network, torch.device, str]]:
    """Load an encoder's network for what is made around it within the block.

    Args:
        spec: As for `load_encoder`.
        device: Likewise.

    Yields:
        The network, the device as torch knows it, and the encoder's digest.

    Raises:
        ModelError: If it cannot be found or loaded, or the block fails in any way; one line that
            names the encoder.
    """
    files = find_encoder_files(spec)
    target = torch_device(device)
    make_deterministic(device)
    try:
        with quiet_libraries():
            hide_progress_bars()
            yield load_network(files, target), target, files.digest
    except ModelError as error:
        raise ModelError(f"{spec.source}: {error}") from error
    except Exception as error:  # the libraries raise nearly every type for a broken model
        detail = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{spec.source}: {files.kind} cannot load this encoder "
            f"({type(error).__name__}: {detail}); download it again or choose another"
        ) from error
