"""Text embeddings of prompts, each made once and kept.

A micro-batch is encoded in one batch of fixed shape, every text at its image's own row, because on
a GPU the last bits of an embedding depend on that row (not on its neighbors). What was encoded is
kept on the device by (row, text), so that a negative prompt, which most images share, costs one
encoding in all.

Pipelines that are not in the table encode their own prompts in every call.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Embedding = tuple["torch.Tensor", ...]

# What many images share (negative prompts) fits; most prompts come once. A text has 0.1 MB with
# CLIP alone, 2.7 MB with the T5 of Stable Diffusion 3. On a CPU, where encoding is little of the
# work, small blocks that are kept among large ones that come and go cost several times their
# own size.
MAX_BYTES = 256 * 2**20
MAX_BYTES_ON_CPU = 4 * 2**20


@dataclass(frozen=True)
class _Encoding:
    """How one family encodes a text.

    Attributes:
        arguments: Of its `encode_prompt`, beside prompt and device.
        results: Positions of the wanted tensors in what it returns.
        names: What its call takes them as.
        guided: Whether its call takes the same tensors for negative prompts.
    """

    arguments: Mapping[str, Any]
    results: tuple[int, ...]
    names: tuple[str, ...]
    guided: bool


_PLAIN = {"num_images_per_prompt": 1, "do_classifier_free_guidance": False}
_POOLED = ("prompt_embeds", "pooled_prompt_embeds")
_ENCODINGS: dict[str, _Encoding] = {
    "StableDiffusionPipeline": _Encoding(_PLAIN, (0,), ("prompt_embeds",), guided=True),
    "StableDiffusionXLPipeline": _Encoding(
        {**_PLAIN, "prompt_2": None}, (0, 2), _POOLED, guided=True
    ),
    "StableDiffusion3Pipeline": _Encoding(
        {**_PLAIN, "prompt_2": None, "prompt_3": None}, (0, 2), _POOLED, guided=True
    ),
    "FluxPipeline": _Encoding({"prompt_2": None}, (0, 1), _POOLED, guided=False),
}


def has_embeddings(pipeline: str) -> bool:
    """Whether prompts of this pipeline class are encoded here."""
    return pipeline in _ENCODINGS


class TextEmbeddings:
    """The embeddings that one loaded pipeline takes in place of prompts."""

    def __init__(self, pipeline: Any) -> None:  # noqa: ANN401 - a diffusers pipeline
        self._pipeline = pipeline
        self._encoding = _ENCODINGS[type(pipeline).__name__]
        # SDXL has been trained with zeros in place of "no negative prompt".
        self._zeros_for_empty = bool(pipeline.config.get("force_zeros_for_empty_prompt", False))
        on_cpu = pipeline.device.type == "cpu"
        self._max_bytes = MAX_BYTES_ON_CPU if on_cpu else MAX_BYTES
        self._kept: OrderedDict[tuple[int, str], Embedding] = OrderedDict()
        self._bytes = 0

    def arguments(
        self, prompts: Sequence[str], negatives: Sequence[str] | None
    ) -> dict[str, torch.Tensor]:
        """Arguments of the pipeline's call, in place of its prompts.

        Args:
            prompts: One per row of the micro-batch.
            negatives: Likewise, "" for none; None if the call uses no negative prompts.
        """
        found = self._stacked(self._rows(prompts))
        named = dict(zip(self._encoding.names, found, strict=True))
        if negatives is not None and self._encoding.guided:
            against = self._rows(negatives)
            if self._zeros_for_empty:
                against = [
                    row if text else tuple(tensor.new_zeros(tensor.shape) for tensor in row)
                    for text, row in zip(negatives, against, strict=True)
                ]
            for name, tensor in zip(self._encoding.names, self._stacked(against), strict=True):
                named[f"negative_{name}"] = tensor
        return named

    def _rows(self, texts: Sequence[str]) -> list[Embedding]:
        keys = list(enumerate(texts))
        if not all(key in self._kept for key in keys):
            for key, embedding in zip(keys, self._encode(texts), strict=True):
                self._keep(key, embedding)
        for key in keys:
            self._kept.move_to_end(key)
        found = [self._kept[key] for key in keys]
        self._forget_oldest(len(keys))
        return found

    def _encode(self, texts: Sequence[str]) -> list[Embedding]:
        import torch

        with torch.no_grad():
            made = self._pipeline.encode_prompt(
                prompt=list(texts),
                device=self._pipeline._execution_device,
                **self._encoding.arguments,
            )
        wanted = [made[position] for position in self._encoding.results]
        return [tuple(tensor[row] for tensor in wanted) for row in range(len(texts))]

    def _keep(self, key: tuple[int, str], embedding: Embedding) -> None:
        if key in self._kept:
            return
        # A copy, so that keeping one row does not keep the whole batch.
        self._kept[key] = tuple(tensor.clone() for tensor in embedding)
        self._bytes += _size(embedding)

    def _forget_oldest(self, in_use: int) -> None:
        while self._bytes > self._max_bytes and len(self._kept) > in_use:
            _, embedding = self._kept.popitem(last=False)
            self._bytes -= _size(embedding)

    @staticmethod
    def _stacked(rows: Sequence[Embedding]) -> list[torch.Tensor]:
        import torch

        return [torch.stack(list(tensors)) for tensors in zip(*rows, strict=True)]


def _size(embedding: Embedding) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in embedding)
