"""How a language model is asked for proposals, and what that came to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from isekai_gen.errors import ModelError
from isekai_gen.models.chat_address import ChatAddress
from isekai_gen.models.chat_requests import ChatLimits, ChatPrices

AnswerFormat = Literal["schema", "json", "text"]
"""What a request says of its answer's form: its JSON schema ("response_format" of the kind
"json_schema"), that it is JSON ("json_object"), or nothing, for servers that know neither field.
The words of the request show the form in any case, and every answer is checked against it."""

ADDRESS_KIND = "openai:"


@dataclass(frozen=True)
class LlmLimits:
    """How much is asked, and how.

    Attributes:
        max_calls: Requests sent to the server in all, at least 1; tries after failures and those
            of earlier runs in the same folder included.
        answer_format: Which way of asking for JSON the server takes.
        groups_per_call: Entries that one request asks for, at least 1.
        groups_per_round: Places that one plan fills, at most; at least 1.
        max_fruitless: Rounds in a row without a usable entry after which the model is given up.
        chat: Of the client; its seed is replaced by that of the engine, unless it is None.
        prices: Of the server, if the cost is wanted.
    """

    max_calls: int = 200
    answer_format: AnswerFormat = "schema"
    groups_per_call: int = 5
    groups_per_round: int = 20
    max_fruitless: int = 3
    chat: ChatLimits = field(
        default_factory=lambda: ChatLimits(max_tokens=4096, temperature=0.8, max_given_up=1)
    )
    prices: ChatPrices | None = None

    @property
    def left_out(self) -> list[str]:
        """Fields of a request that are not sent, for servers that refuse them."""
        return [name for name in ("temperature", "seed") if getattr(self.chat, name) is None]

    def __post_init__(self) -> None:
        for name in ("max_calls", "groups_per_call", "groups_per_round", "max_fruitless"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class LlmWishes:
    """What the groups shall be made of, in the user's words.

    Attributes:
        from_: What the real counterparts are, such as ("animals",); empty for anything.
        with_: What they are combined with; empty for anything.
        avoid: What no entry may have to do with.
        bodies: Names of things that `from_` means, some of which are shown as examples.
        lenders: The same for `with_`.
    """

    from_: tuple[str, ...] = ()
    with_: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    lenders: tuple[str, ...] = ()


@dataclass(frozen=True)
class LlmTotals:
    """What was asked and answered, earlier runs in the same folder included.

    Attributes:
        sent: Requests sent, every try counted.
        max_calls: The budget.
        answered: Calls that got words.
        failed: Calls that got none.
        from_record: Calls of this run that were answered from the record.
        prompt_tokens: Read by the model, as far as the server said.
        completion_tokens: Written by it, likewise.
        cost: Of these tokens, if prices were given.
    """

    sent: int
    max_calls: int
    answered: int
    failed: int
    from_record: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None = None

    def with_cost(self, prices: ChatPrices | None) -> LlmTotals:
        """With what these tokens cost."""
        if prices is None:
            return self
        return replace(self, cost=prices.cost(self.prompt_tokens, self.completion_tokens))

    def __str__(self) -> str:
        cost = "" if self.cost is None else f"; cost {self.cost:.4f}"
        return (
            f"{self.sent} calls of {self.max_calls} ({self.answered} answered, {self.failed} "
            f"failed, {self.from_record} found in the record); {self.prompt_tokens} tokens read, "
            f"{self.completion_tokens} written{cost}"
        )


def parse_llm_address(text: str) -> ChatAddress:
    """The server behind "openai:BASE_URL#MODEL".

    Raises:
        ModelError: If it is none, or holds a password.
    """
    if not text.startswith(ADDRESS_KIND):
        shown = text.partition(":")[0]
        raise ModelError(
            f"{shown!r} is no kind of language model; write such as "
            f"{ADDRESS_KIND}http://127.0.0.1:8000/v1#MODEL"
        )
    return ChatAddress.parse(text.removeprefix(ADDRESS_KIND))
