"""Load an OpenCLIP model as an encoder of images and texts.

Batches have one fixed shape, padded, so that an embedding's bits do not depend on how many others
were encoded with it. Unlike `create_model_and_transforms`, nothing here returns random weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from isekai_gen.embeddings import normalized
from isekai_gen.errors import ModelError
from isekai_gen.models.encoder_files import EncoderFiles, find_encoder_files, identify_encoder
from isekai_gen.models.profile import make_deterministic, torch_device
from isekai_gen.models.quiet import hide_progress_bars, quiet_libraries
from isekai_gen.models.spec import Device, Encoder, EncoderSpec

if TYPE_CHECKING:
    import torch

__all__ = ["BATCH_SIZE", "identify_encoder", "load_encoder"]

BATCH_SIZE = 32
"""Rows of every batch; part of what an embedding's bits depend on."""


class OpenClipEncoder:
    """An encoder (`spec.Encoder`) around a loaded OpenCLIP model, in float32.

    Attributes:
        digest: SHA-256 over weights, configuration, preprocessing and tokenizer.
        dim: Length of an embedding.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - an open_clip model
        preprocess: Any,  # noqa: ANN401 - its torchvision transform
        tokenizer: Any,  # noqa: ANN401 - its tokenizer
        device: torch.device,
        digest: str,
    ) -> None:
        self._model = model
        self._preprocess = preprocess
        self._tokenizer = tokenizer
        self._device = device
        self.digest = digest
        self.dim = int(self.encode_texts([""]).shape[1])

    def encode_images(self, images: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """Embed pictures of any size and mode.

        Returns:
            float32 [n, dim], unit rows, in the order of `images`.

        Raises:
            ModelError: If the device runs out of memory or an embedding is not finite.
        """
        rows = [
            self._encode(
                self._model.encode_image, self._stack_images(images[start : start + BATCH_SIZE])
            )
            for start in range(0, len(images), BATCH_SIZE)
        ]
        return self._joined(rows, len(images))

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts; each is cut at the tokenizer's window.

        Returns:
            float32 [n, dim], unit rows, in the order of `texts`.

        Raises:
            ModelError: If the device runs out of memory or an embedding is not finite.
        """
        rows = [
            self._encode(self._model.encode_text, self._tokens(texts[start : start + BATCH_SIZE]))
            for start in range(0, len(texts), BATCH_SIZE)
        ]
        return self._joined(rows, len(texts))

    def _stack_images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        import torch

        return torch.stack([self._preprocess(image.convert("RGB")) for image in images])

    def _tokens(self, texts: Sequence[str]) -> torch.Tensor:
        with quiet_libraries():
            tokens: torch.Tensor = self._tokenizer(list(texts))
        return tokens

    def _encode(self, encode: Any, inputs: torch.Tensor) -> npt.NDArray[np.float32]:  # noqa: ANN401
        """Embeddings of up to BATCH_SIZE inputs, padded to it by repeating the first."""
        import torch

        count = inputs.shape[0]
        padding = inputs[:1].expand(BATCH_SIZE - count, *inputs.shape[1:])
        batch = torch.cat([inputs, padding]).to(self._device)
        try:
            with quiet_libraries(), torch.inference_mode():
                vectors = encode(batch).float().cpu().numpy()[:count]
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"out of memory on {self._device} with {BATCH_SIZE} inputs at once; "
                "use a smaller encoder or a device with more memory"
            ) from error
        try:
            return normalized(vectors)
        except ValueError as error:
            raise ModelError(f"the encoder gave an embedding that is unusable: {error}") from error

    def _joined(self, rows: list[npt.NDArray[np.float32]], count: int) -> npt.NDArray[np.float32]:
        return np.concatenate(rows) if count else np.zeros((0, self.dim), dtype=np.float32)


def load_encoder(spec: EncoderSpec, device: Device) -> Encoder:
    """Load an encoder onto a device, and make this process deterministic.

    Args:
        spec: ARCH/TAG, or a local folder.
        device: Where it encodes; on the CPU the process is set to one thread.

    Raises:
        ModelError: If the model cannot be found or loaded; one line with the remedy.
    """
    files = find_encoder_files(spec)
    target = torch_device(device)
    make_deterministic(device)
    with quiet_libraries():
        hide_progress_bars()
        try:
            model, preprocess, tokenizer = _create(files, target)
        except Exception as error:  # open_clip raises nearly every type for a broken model
            detail = " ".join(str(error).split())[:300]
            raise ModelError(
                f"{spec.source}: open_clip cannot load this encoder "
                f"({type(error).__name__}: {detail}); download it again or choose another"
            ) from error
    return OpenClipEncoder(model, preprocess, tokenizer, target, files.digest)


def _create(files: EncoderFiles, target: torch.device) -> tuple[Any, Any, Any]:
    import open_clip

    entry = files.tag_config
    arguments: dict[str, Any] = {}
    if entry:
        # The weight file is given by path, so the tag's own settings have to be passed along.
        arguments = {
            "pretrained": str(files.weights),
            "image_mean": entry.get("mean"),
            "image_std": entry.get("std"),
            "image_interpolation": entry.get("interpolation"),
            "image_resize_mode": entry.get("resize_mode"),
            "force_quick_gelu": bool(entry.get("quick_gelu", False)),
        }
    model, preprocess = open_clip.create_model_from_pretrained(
        files.model_name, precision="fp32", device=target, weights_only=True, **arguments
    )
    return model.eval(), preprocess, open_clip.get_tokenizer(files.model_name)
