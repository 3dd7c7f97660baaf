"""A transformers image-text-to-text model under evaluation ("hf:DIR_OR_ID")."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from isekai_gen.evaluation.protocols import Answer, Question
from isekai_gen.models.chat_requests import ChatRequest
from isekai_gen.models.spec import Device
from isekai_gen.models.vision_language import (
    VisionLanguageModel,
    VisionLanguageSpec,
    load_vision_language,
)

logger = logging.getLogger(__name__)


class TransformersAnswerer:
    """Asks a model on this machine (`Answerer`).

    Attributes:
        name: "hf:LABEL", the Hub id or the folder's name.
        identity: The model's files, number format, kind of device, length of an answer and
            library versions.
    """

    def __init__(
        self, model: VisionLanguageModel, tell: Callable[[str], None] = logger.warning
    ) -> None:
        self._model = model
        self._tell = tell
        self.name = f"hf:{model.label}"
        self.identity = f"hf:{model.identity}"

    @classmethod
    def open(
        cls,
        source: str,
        device: Device,
        batch_size: int,
        max_new_tokens: int,
        tell: Callable[[str], None] = logger.warning,
    ) -> Self:
        """Load a model.

        Args:
            source: A folder written by save_pretrained, or a Hub id.
            device: Where it runs.
            batch_size: Questions at once; halved, and told, when memory is full.
            max_new_tokens: Length of an answer, at most.
            tell: Told in one line what the user should know.

        Raises:
            ModelError: If it cannot be found or loaded; one line with the remedy.
        """
        spec = VisionLanguageSpec(source, batch_size, max_new_tokens)
        return cls(load_vision_language(spec, device), tell)

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """One answer for each question, as they come, in any order.

        Raises:
            ModelError: If the model cannot take the questions, or the device runs out of memory.
        """
        requests = [ChatRequest(each.conversation, each.images) for each in questions]
        for place, reply in self._model.replies(requests, self._tell):
            yield Answer(
                key=questions[place].key,
                text=reply.text,
                failure=reply.failure,
                prompt_tokens=reply.prompt_tokens,
                completion_tokens=reply.completion_tokens,
                seconds=reply.seconds,
            )
