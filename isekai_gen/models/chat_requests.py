"""What a chat model is asked over HTTP, within which limits, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isekai_gen.records import Conversation

REFUSED = "refused"
TOO_LONG = "too long for the model"
TOO_LARGE = "too large for the server"
CUT_OFF = "cut off before an answer"
SAID_NOTHING = "said nothing"
NOT_ALLOWED = "no further request allowed"
LASTING_FAILURES = frozenset({REFUSED, TOO_LONG, TOO_LARGE, CUT_OFF, SAID_NOTHING})
"""Failures that asking again would not change; all others may pass."""
MaySend = Callable[[], bool]
"""Asked before each request, tries included; False keeps it from being sent."""


@dataclass(frozen=True)
class ChatLimits:
    """How a server is asked.

    Attributes:
        max_concurrent: Requests under way at once, at least 1.
        requests_per_minute: Requests started in a minute, evenly spread, tries after the first
            included; None for no limit.
        timeout_seconds: From sending a request to the last byte of its answer.
        max_tries: How often one request is sent before it is given up, at least 1.
        max_tokens: Length of an answer, at most.
        temperature: 0 for the likeliest words; None leaves it to the server, for models that take
            only their own.
        seed: Of the server's sampling; None sends none, for servers that know no such field.
        backoff_seconds: Wait before the second try; it doubles with every further one.
        max_given_up: Requests given up one after another that stop the run.
        max_image_bytes: Of one image file; most servers take 20 MB.
    """

    max_concurrent: int = 8
    requests_per_minute: float | None = None
    timeout_seconds: float = 120.0
    max_tries: int = 5
    max_tokens: int = 256
    temperature: float | None = 0.0
    seed: int | None = 0
    backoff_seconds: float = 1.0
    max_given_up: int = 5
    max_image_bytes: int = 20_000_000

    def __post_init__(self) -> None:
        for name in ("max_concurrent", "max_tries", "max_tokens", "max_given_up"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("requests_per_minute", "timeout_seconds", "backoff_seconds"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"{name} must be a positive number, got {value}")

    def decoding(self) -> dict[str, Any]:
        """The part that answers depend on, by its name in a request."""
        asked = {"max_tokens": self.max_tokens, "temperature": self.temperature, "seed": self.seed}
        return {name: value for name, value in asked.items() if value is not None}


@dataclass(frozen=True)
class ChatPrices:
    """What a server charges, in any currency.

    Attributes:
        prompt_per_million: For a million tokens that it reads, images included.
        completion_per_million: For a million tokens that it writes.
    """

    prompt_per_million: float
    completion_per_million: float

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Price of so many tokens."""
        read = prompt_tokens * self.prompt_per_million
        written = completion_tokens * self.completion_per_million
        return (read + written) / 1_000_000


@dataclass(frozen=True)
class ChatRequest:
    """One thing to ask.

    Attributes:
        conversation: Ends with the user's turn.
        images: Path as in the conversation to the file.
        response_format: What the answer's form shall be, in the server's own terms; None leaves
            the field out.
    """

    conversation: Conversation
    images: Mapping[str, Path]
    response_format: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ChatReply:
    """What came back for one request.

    Attributes:
        text: The model's words; "" with a failure.
        failure: Why there are none, such as "refused" or "timed out"; "" if there are.
        prompt_tokens: Read, as the server counts them; None if it does not say.
        completion_tokens: Written, likewise.
        seconds: From its turn to the end, waits for the rate and between tries included.
    """

    text: str
    failure: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class ChatTotals:
    """What a client has done so far.

    Attributes:
        sent: Requests sent, every try counted.
        answered: Requests that got words.
        failed: Requests that got none in the end.
        prompt_tokens: As far as the server said.
        completion_tokens: Likewise.
    """

    sent: int = 0
    answered: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def with_sent(self) -> ChatTotals:
        """One more sent."""
        return replace(self, sent=self.sent + 1)

    def with_reply(self, reply: ChatReply) -> ChatTotals:
        """One more reply."""
        failed = int(bool(reply.failure))
        return replace(
            self,
            answered=self.answered + 1 - failed,
            failed=self.failed + failed,
            prompt_tokens=self.prompt_tokens + (reply.prompt_tokens or 0),
            completion_tokens=self.completion_tokens + (reply.completion_tokens or 0),
        )
