"""The asynchronous inside of `chat_client`: workers, tries, and when to stop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from isekai_gen.errors import ModelError
from isekai_gen.models.chat_address import ChatAddress
from isekai_gen.models.chat_http import Response, open_http, send
from isekai_gen.models.chat_messages import request_body
from isekai_gen.models.chat_pacing import Pace, backoff_seconds, retry_after_seconds
from isekai_gen.models.chat_replies import (
    Outcome,
    one_line,
    outcome_of_answer,
    outcome_of_error,
    read_error,
)
from isekai_gen.models.chat_requests import (
    NOT_ALLOWED,
    ChatLimits,
    ChatReply,
    ChatRequest,
    ChatTotals,
    MaySend,
)

if TYPE_CHECKING:
    import httpx2

Found = Callable[[tuple[int, ChatReply]], None]
_MAX_HOLD_SECONDS = 120.0
_LENGTH, _NEWER_LENGTH = "max_tokens", "max_completion_tokens"


class ChatSession:
    """What is kept between requests: the pace, the failures in a row, the totals.

    Attributes:
        totals: What was asked and answered so far.
    """

    def __init__(
        self,
        address: ChatAddress,
        limits: ChatLimits,
        key: str | None,
        may_send: MaySend | None = None,
    ) -> None:
        self._address = address
        self._where = f"{address.base_url}#{address.model}"
        self._limits = limits
        self._key = key
        self._may_send = may_send
        self._pace = Pace(limits.requests_per_minute)
        self._chance = random.Random()
        self._given_up = 0
        self._length_field = _LENGTH
        self.totals = ChatTotals()

    async def ask_all(self, requests: Sequence[ChatRequest], found: Found) -> None:
        """Ask everything, and hand each reply over with its place as it comes.

        Raises:
            ModelError: If no further request would fare better.
        """
        waiting = iter(enumerate(requests))
        workers = min(self._limits.max_concurrent, len(requests))
        direct = self._address.is_this_machine  # a proxy would look for 127.0.0.1 on its own side
        try:
            async with (
                open_http(self._key, workers, direct=direct) as http,
                asyncio.TaskGroup() as group,
            ):
                for _ in range(workers):
                    group.create_task(self._work(http, waiting, found))
        except ExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _work(
        self,
        http: httpx2.AsyncClient,
        waiting: Iterator[tuple[int, ChatRequest]],
        found: Found,
    ) -> None:
        for place, request in waiting:
            started = time.monotonic()
            outcome = await self._ask(http, request)
            reply = ChatReply(
                text=outcome.text,
                failure=outcome.failure,
                prompt_tokens=outcome.prompt_tokens,
                completion_tokens=outcome.completion_tokens,
                seconds=time.monotonic() - started,
            )
            self.totals = self.totals.with_reply(reply)
            found((place, reply))
            self._stop_if_dead(outcome)

    def _stop_if_dead(self, outcome: Outcome) -> None:
        self._given_up = self._given_up + 1 if outcome.may_pass else 0
        if self._given_up < self._limits.max_given_up:
            return
        detail = f": {outcome.detail}" if outcome.detail else ""
        count = self._given_up
        several = "one request was" if count == 1 else f"{count} requests in a row were"
        raise ModelError(
            f"{self._where}: {several} given up (the last: {outcome.failure}{detail}); check the "
            "server and run this again"
        )

    async def _ask(self, http: httpx2.AsyncClient, request: ChatRequest) -> Outcome:
        tries = 0
        while True:
            await self._pace.turn()
            outcome = await self._try(http, request)
            if outcome is None:
                continue
            tries += 1
            if not outcome.may_pass or tries == self._limits.max_tries:
                return outcome
            await asyncio.sleep(backoff_seconds(self._limits.backoff_seconds, tries, self._chance))

    async def _try(self, http: httpx2.AsyncClient, request: ChatRequest) -> Outcome | None:
        """One try; None if the server wants the same under another name, which costs no try."""
        length_field = self._length_field
        limits = self._limits
        fields = self._fields(length_field)
        body = await asyncio.to_thread(request_body, request, fields, limits.max_image_bytes)
        if self._may_send is not None and not self._may_send():
            return Outcome(failure=NOT_ALLOWED)
        self.totals = self.totals.with_sent()
        response = await send(http, self._address.url, body, limits.timeout_seconds)
        if isinstance(response, Outcome):
            return response
        if 200 <= response.status < 300:
            return outcome_of_answer(response.body)
        if 300 <= response.status < 400:
            raise self._redirected(response)
        error = read_error(response.body, self._key)
        # OpenAI's newer models know the limit of an answer's length under this name only.
        if response.status == 400 and error.field == length_field == _LENGTH:
            self._length_field = _NEWER_LENGTH
            return None
        outcome = outcome_of_error(response.status, error, self._where)
        self._hold(response, outcome)
        return outcome

    def _fields(self, length_field: str) -> dict[str, Any]:
        decoding = self._limits.decoding()
        decoding[length_field] = decoding.pop(_LENGTH)
        return {"model": self._address.model, **decoding}

    def _hold(self, response: Response, outcome: Outcome) -> None:
        """Keep a wait that the server asks for, with all requests."""
        seconds = retry_after_seconds(response.retry_after) if outcome.may_pass else None
        if seconds is None:
            return
        if seconds > _MAX_HOLD_SECONDS:
            raise ModelError(
                f"{self._where}: the server asks to wait {seconds:.0f} s ({outcome.failure}); "
                "run this again then"
            )
        self._pace.hold(seconds)

    def _redirected(self, response: Response) -> ModelError:
        target = one_line(response.location.partition("?")[0], self._key) or "nowhere"
        return ModelError(
            f"{self._where}: the server redirects to {target}, which is not followed, as the key "
            "could go astray; name the address that is meant"
        )
