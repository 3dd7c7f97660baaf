"""A transformers image-text-to-text model under evaluation ("hf:DIR_OR_ID")."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from isekai_gen.evaluation.protocols import Answer, Question
from isekai_gen.models.chat_requests import ChatRequest
from isekai_gen.models.spec import Device
from isekai_gen.models.vision_language import (
    FoundVisionLanguage,
    VisionLanguageModel,
    VisionLanguageSpec,
    find_vision_language,
)

logger = logging.getLogger(__name__)


class TransformersAnswerer:
    """Asks a model on this machine (`Answerer`). It is loaded when it is first asked.

    Attributes:
        name: "hf:LABEL", the Hub id or the folder's name.
        identity: The model's files, number format, kind of device, length of an answer and
            library versions.
    """

    def __init__(
        self, found: FoundVisionLanguage, tell: Callable[[str], None] = logger.warning
    ) -> None:
        self._found = found
        self._model: VisionLanguageModel | None = None
        self._tell = tell
        self.name = f"hf:{found.files.label}"
        self.identity = f"hf:{found.identity}"

    @classmethod
    def open(
        cls,
        source: str,
        device: Device,
        batch_size: int,
        max_new_tokens: int,
        tell: Callable[[str], None] = logger.warning,
    ) -> Self:
        """Find a model; nothing of it is loaded yet.

        Args:
            source: A folder written by save_pretrained, or a Hub id.
            device: Where it runs.
            batch_size: Questions at once; halved, and told, when memory is full.
            max_new_tokens: Length of an answer, at most.
            tell: Told in one line what the user should know.

        Raises:
            ModelError: If it cannot be found or its files are damaged; one line with the remedy.
        """
        spec = VisionLanguageSpec(source, batch_size, max_new_tokens)
        return cls(find_vision_language(spec, device), tell)

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """One answer for each question, as they come, in any order.

        Raises:
            ModelError: If the model cannot be loaded or cannot take the questions, or the device
                runs out of memory.
        """
        if self._model is None:
            self._model = self._found.load()
        requests = [ChatRequest(each.conversation, each.images) for each in questions]
        for place, reply in self._model.replies(requests, self._tell):
            yield Answer.of(questions[place], reply)
