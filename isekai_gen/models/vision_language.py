"""Ask a transformers image-text-to-text model on this machine, many conversations at once.

Greedy decoding in a process that is set to be deterministic. A batch holds conversations with the
same number of images, padded on the left.
"""

from __future__ import annotations

import importlib.metadata
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from isekai_gen.errors import ModelError
from isekai_gen.hashing import canonical_json
from isekai_gen.models.chat_requests import ChatReply, ChatRequest
from isekai_gen.models.profile import make_deterministic, resolve_dtype, torch_device
from isekai_gen.models.spec import Device
from isekai_gen.models.vision_language_batch import BatchRunner
from isekai_gen.models.vision_language_files import (
    VisionLanguageFiles,
    find_vision_language_files,
)
from isekai_gen.models.vision_language_loading import load_network_and_processor
from isekai_gen.models.vision_language_template import TemplateTraits, read_traits

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class VisionLanguageSpec:
    """Which model to load, and how it is asked.

    Attributes:
        source: A folder written by save_pretrained, or a Hub id.
        batch_size: Conversations at once, at least 1; halved when the device's memory is full.
        max_new_tokens: Length of an answer, at most.
    """

    source: str
    batch_size: int = 8
    max_new_tokens: int = 256

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


class VisionLanguageModel:
    """A loaded model.

    Attributes:
        label: Hub id, or name of the folder.
    """

    def __init__(self, label: str, runner: BatchRunner, traits: TemplateTraits, rows: int) -> None:
        self.label = label
        self._runner = runner
        self._traits = traits
        self._rows = rows

    def replies(
        self, requests: Sequence[ChatRequest], tell: Callable[[str], None] = logger.warning
    ) -> Iterator[tuple[int, ChatReply]]:
        """Ask everything; (place in `requests`, reply) batch by batch, in any order.

        Args:
            requests: What is asked.
            tell: Told in one line when batches get smaller because memory is full.

        Raises:
            ModelError: If the model cannot take the conversations (known before the first is
                asked, as far as its chat template tells), or one alone does not fit into memory.
        """
        for request in requests:
            self._traits.check(request.conversation, self.label)
        # Conversations of like length need the least padding.
        waiting = sorted(range(len(requests)), key=lambda place: _length(requests[place]))
        while waiting:
            batch = _first_alike(waiting, requests, self._rows)
            started = time.monotonic()
            replies = self._answered([requests[place] for place in batch])
            if replies is None:
                self._use_fewer_rows(len(batch), tell)
                continue
            seconds = time.monotonic() - started
            for place, reply in zip(batch, replies, strict=True):
                yield place, replace(reply, seconds=seconds)
            waiting = waiting[len(batch) :]

    def _answered(self, batch: Sequence[ChatRequest]) -> list[ChatReply] | None:
        """Replies to one batch; None if it does not fit into memory."""
        import torch

        try:
            return self._runner.replies(batch)
        except torch.OutOfMemoryError:
            # What the failed batch held is free only once this block and its traceback are left.
            return None

    def _use_fewer_rows(self, rows: int, tell: Callable[[str], None]) -> None:
        import torch

        if rows == 1:
            raise ModelError(
                f"{self.label}: out of memory with one conversation; ask with fewer examples, "
                "or use a smaller model or a device with more memory"
            )
        self._rows = rows // 2
        torch.cuda.empty_cache()
        tell(f"{self.label}: out of memory with {rows} at once; going on with {self._rows}")


@dataclass(frozen=True)
class FoundVisionLanguage:
    """A model whose files are there and whole, and which is not loaded yet.

    Attributes:
        spec: Which model, and how it is asked.
        device: Where it will run.
        files: Of the model.
        dtype: Of its numbers: float32 on the CPU, half as long on a GPU.
    """

    spec: VisionLanguageSpec
    device: Device
    files: VisionLanguageFiles
    dtype: str

    @property
    def identity(self) -> str:
        """Names all that its answers depend on.

        Files, number format, kind of device, length of an answer, library versions. Not the batch
        size, which moves numbers in their last bits only.
        """
        return canonical_json(
            {
                "device": self.device.kind,
                "dtype": self.dtype,
                "files": self.files.digest,
                "max_new_tokens": self.spec.max_new_tokens,
                "torch": importlib.metadata.version("torch"),
                "transformers": importlib.metadata.version("transformers"),
            }
        )

    def load(self) -> VisionLanguageModel:
        """Load it, and make this process deterministic; on the CPU it is set to one thread.

        Raises:
            ModelError: If it cannot be loaded, or its chat template shows no images; one line
                with the remedy.
        """
        make_deterministic(self.device)
        source, label = self.spec.source, self.files.label
        network, processor = load_network_and_processor(
            self.files, source, self.dtype, torch_device(self.device)
        )
        traits = read_traits(processor, label)
        runner = BatchRunner(network, processor, label, self.spec.max_new_tokens)
        return VisionLanguageModel(label, runner, traits, self.spec.batch_size)


def find_vision_language(spec: VisionLanguageSpec, device: Device) -> FoundVisionLanguage:
    """Find a model, or download it, and check its files.

    Args:
        spec: Which model, and how it is asked.
        device: Where it will run.

    Raises:
        ModelError: If the model cannot be found, its files are damaged, or there is no such
            device; one line with the remedy.
    """
    torch_device(device)
    files = find_vision_language_files(spec.source)
    return FoundVisionLanguage(spec, device, files, resolve_dtype("auto", device))


def _length(request: ChatRequest) -> tuple[int, int]:
    conversation = request.conversation
    return len(conversation.images), sum(len(turn.text) for turn in conversation.turns)


def _first_alike(waiting: Sequence[int], requests: Sequence[ChatRequest], rows: int) -> list[int]:
    """The first places of `waiting` that make a batch: not every processor mixes image counts."""
    count = _length(requests[waiting[0]])[0]
    return [place for place in waiting[:rows] if _length(requests[place])[0] == count]
