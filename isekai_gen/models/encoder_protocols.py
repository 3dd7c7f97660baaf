"""What a loaded encoder is: unit vectors from pictures and, for some, from texts.

Shape and bits of a batch never depend on how many inputs are wanted: it is padded to `batch_rows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PIL import Image

from isekai_gen.embeddings import FloatArray
from isekai_gen.pixels import RgbPixels

PreparedPicture = RgbPixels
"""A picture as an encoder takes it, uint8 [height, width, 3]: of its size, or whole for its GPU."""


class PendingVectors(Protocol):
    """Embeddings that a device may still be working on."""

    def result(self) -> FloatArray:
        """Wait for them: float32 [n, dim], unit rows.

        Raises:
            ModelError: If one of them is zero or not finite.
        """
        ...

    def raw(self) -> FloatArray:
        """Wait for them: float32 [n, dim], of the lengths that the encoder gave them.

        Raises:
            ModelError: As `result`.
        """
        ...


class Encoder(Protocol):
    """A loaded encoder of pictures on one device; embeddings are unit vectors.

    Attributes:
        digest: SHA-256 over everything that its embeddings depend on, beside the machine.
        dim: Length of an embedding.
        batch_rows: Rows of every batch.
    """

    digest: str
    dim: int
    batch_rows: int

    def prepare(self, image: Image.Image, pixels: RgbPixels | None = None) -> PreparedPicture:
        """A picture of any size and mode as the encoder takes it; may be called from any thread.

        Args:
            image: The picture.
            pixels: What `rgb_pixels` gave for it, where it was called already; it may be what is
                returned.
        """
        ...

    def start(self, prepared: Sequence[PreparedPicture]) -> PendingVectors:
        """Begin to embed 1 to `batch_rows` prepared pictures; on a GPU, without waiting.

        Raises:
            ModelError: If the device runs out of memory, or the model cannot take them.
        """
        ...

    def encode_prepared(self, prepared: Sequence[PreparedPicture]) -> FloatArray:
        """Embed any number of prepared pictures: float32 [n, dim], unit rows, in their order."""
        ...

    def encode_images(self, images: Sequence[Image.Image]) -> FloatArray:
        """Embed any number of pictures: float32 [n, dim], unit rows, in their order."""
        ...


class TextEncoder(Encoder, Protocol):
    """An encoder that reads text, too, into the space of its pictures."""

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts, each cut at the window: float32 [n, dim], unit rows, in their order."""
        ...
