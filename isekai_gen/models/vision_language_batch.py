"""One batch of conversations through a loaded image-text-to-text model."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps

from isekai_gen.errors import InputError, ModelError
from isekai_gen.models.chat_requests import CUT_OFF, SAID_NOTHING, TOO_LONG, ChatReply, ChatRequest
from isekai_gen.models.quiet import quiet_libraries
from isekai_gen.models.vision_language_template import messages_of, render
from isekai_gen.records import Conversation

if TYPE_CHECKING:
    import torch

# What servers take, too. Pillow opens much more, some of it with other programs.
_FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True)
class _Asked:
    """A request with its pictures opened, in the order in which they are shown."""

    conversation: Conversation
    pictures: list[Image.Image]


class BatchRunner:
    """Puts conversations into words and pictures for a network, and its tokens into replies."""

    def __init__(self, network: Any, processor: Any, label: str, max_new_tokens: int) -> None:  # noqa: ANN401 - of transformers
        self._network = network
        self._processor = processor
        self._label = label
        self._decoding = _greedy(network, processor, max_new_tokens)
        self._window = _window(network)

    def replies(self, batch: Sequence[ChatRequest]) -> list[ChatReply]:
        """One reply for each request, in their order; its time is not filled in.

        An image that cannot be read is a failure of its request.

        Args:
            batch: All with the same number of images.

        Raises:
            ModelError: If the model cannot take them.
            torch.OutOfMemoryError: If they are too many.
        """
        asked: list[_Asked] = []
        settled: list[ChatReply | None] = []
        for request in batch:
            try:
                asked.append(_opened(request))
                settled.append(None)
            except InputError as error:
                settled.append(ChatReply("", f"unreadable image: {error}"))
        return _merged(settled, self._replies(asked) if asked else [])

    def _replies(self, asked: Sequence[_Asked]) -> list[ChatReply]:
        import torch

        try:
            with quiet_libraries(), torch.inference_mode():
                inputs = self._inputs(asked)
                lengths = [int(length) for length in inputs["attention_mask"].sum(dim=1)]
                if all(map(self._fits, lengths)):
                    return self._generated(inputs, lengths)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # the libraries raise nearly every type for what they refuse
            detail = " ".join(str(error).split())[:300]
            raise ModelError(
                f"{self._label}: cannot take a conversation with {len(asked[0].pictures)} images "
                f"({type(error).__name__}: {detail}); ask with fewer examples, or choose another "
                "model"
            ) from error
        settled = [
            None if self._fits(length) else ChatReply("", TOO_LONG, length) for length in lengths
        ]
        fitting = [each for each, reply in zip(asked, settled, strict=True) if reply is None]
        return _merged(settled, self._replies(fitting) if fitting else [])

    def _inputs(self, asked: Sequence[_Asked]) -> Any:  # noqa: ANN401 - of transformers
        prompts = [render(self._processor, messages_of(each.conversation)) for each in asked]
        pictures = [each.pictures for each in asked]
        begin = self._processor.tokenizer.bos_token
        # A template that writes the first token itself would otherwise get it twice.
        own = {"add_special_tokens": False} if begin and prompts[0].startswith(begin) else {}
        inputs = self._processor(
            text=prompts,
            images=pictures if pictures[0] else None,
            padding=True,
            return_tensors="pt",
            **own,
        )
        return inputs.to(self._network.device, dtype=self._network.dtype)

    def _fits(self, length: int) -> bool:
        return self._window is None or length + self._decoding.max_new_tokens <= self._window

    def _generated(self, inputs: Any, lengths: Sequence[int]) -> list[ChatReply]:  # noqa: ANN401 - of transformers
        tokens = self._network.generate(**inputs, generation_config=self._decoding)
        written = tokens[:, inputs["input_ids"].shape[1] :]
        texts = self._processor.tokenizer.batch_decode(written, skip_special_tokens=True)
        return [
            self._reply(text, row, length)
            for text, row, length in zip(texts, written, lengths, strict=True)
        ]

    def _reply(self, text: str, written: torch.Tensor, length: int) -> ChatReply:
        ends = self._decoding.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        tokens = written.tolist()
        end = next((place for place, token in enumerate(tokens) if token in ends), None)
        count = len(tokens) if end is None else end + 1
        if text.strip():
            return ChatReply(text.strip(), "", length, count)
        return ChatReply("", CUT_OFF if end is None else SAID_NOTHING, length, count)


def _greedy(network: Any, processor: Any, max_new_tokens: int) -> Any:  # noqa: ANN401 - of transformers
    """The model's own settings of decoding, but the likeliest word at every place."""
    decoding = copy.deepcopy(network.generation_config)
    decoding.update(
        do_sample=False,
        num_beams=1,
        temperature=None,
        top_p=None,
        top_k=None,
        max_length=None,
        max_new_tokens=max_new_tokens,
        pad_token_id=processor.tokenizer.pad_token_id,
    )
    if decoding.eos_token_id is None:
        decoding.eos_token_id = processor.tokenizer.eos_token_id
    return decoding


def _window(network: Any) -> int | None:  # noqa: ANN401 - of transformers
    """Tokens that the network takes, question and answer together, if it says."""
    window = getattr(network.config.get_text_config(), "max_position_embeddings", None)
    return window if isinstance(window, int) else None


def _opened(request: ChatRequest) -> _Asked:
    """Open the pictures of a request.

    Raises:
        InputError: If a file is none, is damaged, or is huge.
    """
    images = request.conversation.images
    pictures = {image: _open_picture(request.images[image]) for image in dict.fromkeys(images)}
    return _Asked(request.conversation, [pictures[image] for image in images])


def _open_picture(path: Path) -> Image.Image:
    """RGB, the right way up."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as picture:
                return ImageOps.exif_transpose(picture).convert("RGB")
    except Exception as error:  # for broken files Pillow raises nearly every type
        detail = " ".join(str(error).split())[:200]
        raise InputError(f"{path.name}: {detail}") from error


def _merged(settled: Sequence[ChatReply | None], found: Iterable[ChatReply]) -> list[ChatReply]:
    """Replies in order; `found` stands where none is settled."""
    rest = iter(found)
    return [next(rest) if reply is None else reply for reply in settled]
