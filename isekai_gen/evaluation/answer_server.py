"""A model behind an OpenAI-compatible server, under evaluation ("openai:BASE_URL#MODEL")."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Self

from isekai_gen.evaluation.protocols import Answer, Question
from isekai_gen.hashing import canonical_json
from isekai_gen.models.chat_address import ChatAddress
from isekai_gen.models.chat_client import ChatClient
from isekai_gen.models.chat_requests import ChatLimits, ChatRequest, ChatTotals

logger = logging.getLogger(__name__)


class ServerAnswerer:
    """Asks a server (`Answerer`).

    Attributes:
        name: "openai:HOST#MODEL".
        identity: Address, model and decoding settings; never the key.
    """

    def __init__(self, client: ChatClient) -> None:
        address = client.address
        decoding = canonical_json(client.limits.decoding())
        self._client = client
        self.name = f"openai:{address.host}#{address.model}"
        self.identity = f"openai:{address.base_url}#{address.model} {decoding}"

    @classmethod
    def open(cls, address: str, limits: ChatLimits) -> Self:
        """The model at "BASE_URL#MODEL", such as "http://127.0.0.1:8000/v1#my-model".

        Nothing is asked yet.

        Raises:
            ModelError: If the address is none, or the key in the environment is no key.
        """
        found = ChatAddress.parse(address)
        return cls(ChatClient(found.base_url, found.model, limits))

    @property
    def totals(self) -> ChatTotals:
        """What was asked and answered so far, and the tokens it took."""
        return self._client.totals

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """One answer for each question, as they come, in any order.

        Raises:
            InputError: If an image cannot be sent; nothing has been asked then.
            ModelError: If no further question would fare better; after the answers that came.
        """
        requests = [ChatRequest(each.conversation, each.images) for each in questions]
        for place, reply in self._client.replies(requests):
            yield Answer.of(questions[place], reply)
        logger.info("%s: %s", self.name, self.totals)
