"""What is asked of a model under evaluation, and what it gives back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from isekai_gen.models.chat_requests import ChatReply
from isekai_gen.records import Conversation, Episode


@dataclass(frozen=True)
class Question:
    """One query of an evaluation.

    Attributes:
        key: SHA-256 (hex) over all that the answer may depend on but the model: the words, the
            images' bytes, their order.
        episode: What is asked, for those that look at images and not at words.
        conversation: The same in words; its last turn is the user's.
        images: Path as in episode and conversation to the file.
    """

    key: str
    episode: Episode
    conversation: Conversation
    images: dict[str, Path]


@dataclass(frozen=True)
class Answer:
    """What a model said to one question.

    Attributes:
        key: Of the question.
        text: The words; "" with a failure.
        failure: Why there is no usable answer ("refused", "timed out", ...); "" if there is one.
        prompt_tokens: As the model counts them; None if it does not.
        completion_tokens: Likewise.
        seconds: From the question to the answer.
    """

    key: str
    text: str
    failure: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0

    @classmethod
    def of(cls, question: Question, reply: ChatReply) -> Self:
        """What a chat model replied to a question."""
        return cls(
            key=question.key,
            text=reply.text,
            failure=reply.failure,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            seconds=reply.seconds,
        )


class Answerer(Protocol):
    """A model under evaluation.

    Attributes:
        name: For tables, such as "clip:starter".
        identity: Names all that its answers depend on; answers are cached under it.
    """

    name: str
    identity: str

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """One answer for each question, as they come, in any order.

        A failure of one question is an answer with `failure`; only what makes all further
        questions pointless (no such server, no key, no such model) raises.
        """
        ...
