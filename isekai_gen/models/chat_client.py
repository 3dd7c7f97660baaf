"""A client of any OpenAI-compatible server (vLLM, llama.cpp, Ollama, hosted ones).

Many requests at once inside, a plain iterator outside. What may pass (429, 408, 5xx, broken
connections, time-outs, garbled answers) is tried again; what will not ends the run at once, and so
do several requests in a row that were given up. Redirects are not followed: the key goes to the
address that the user named, and nowhere else.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence

from isekai_gen.models.chat_address import ChatAddress, api_key
from isekai_gen.models.chat_messages import check_images
from isekai_gen.models.chat_requests import (
    ChatLimits,
    ChatReply,
    ChatRequest,
    ChatTotals,
    MaySend,
)
from isekai_gen.models.chat_session import ChatSession


class ChatClient:
    """Asks one model of one server.

    Attributes:
        address: Of the model.
        limits: Within which it is asked.
    """

    def __init__(
        self, base_url: str, model: str, limits: ChatLimits, may_send: MaySend | None = None
    ) -> None:
        """Nothing is sent yet.

        Args:
            base_url: Of the server.
            model: As the server calls it.
            limits: Within which it is asked.
            may_send: Whether one more request may be sent, for those who keep a budget; called in
                the order of sending, by one thread. None for no such limit.

        Raises:
            ModelError: If the address is none, or the key in the environment is no key.
        """
        self.address = ChatAddress(base_url, model)
        self.limits = limits
        self._session = ChatSession(self.address, limits, api_key(self.address), may_send)

    @property
    def totals(self) -> ChatTotals:
        """What was asked and answered so far."""
        return self._session.totals

    def replies(self, requests: Sequence[ChatRequest]) -> Iterator[tuple[int, ChatReply]]:
        """Ask everything; (place in `requests`, reply) as they come, in any order.

        Closing the iterator breaks off what is under way.

        Raises:
            InputError: If an image cannot be sent; nothing has been asked then.
            ModelError: If no further request would fare better (no such server or model, no
                valid key, several requests given up in a row); after the replies that came.
        """
        from anyio.from_thread import start_blocking_portal

        check_images(requests, self.limits.max_image_bytes)
        found: queue.SimpleQueue[tuple[int, ChatReply] | None] = queue.SimpleQueue()
        with start_blocking_portal() as portal:
            asked = portal.start_task_soon(self._session.ask_all, requests, found.put)
            asked.add_done_callback(lambda _: found.put(None))
            # Whatever leaves this block by an exception (closing does) cancels what is under way.
            while (each := found.get()) is not None:
                yield each
            asked.result()
