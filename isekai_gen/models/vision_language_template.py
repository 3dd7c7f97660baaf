"""What a model's chat template can say: system turns, several images, their places among words.

Templates drop and move parts without a word (LLaVA-1.5's puts a turn's images before its text). A
model would then be asked something else than was meant, so each is tried out on a few turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.records import Conversation, TextPart

Message = Mapping[str, Any]
_IMAGE = {"type": "image"}
# Words that no template has of its own.
_FIRST, _SECOND, _THIRD = "quaggle", "zimbrel", "vornack"


@dataclass(frozen=True)
class TemplateTraits:
    """What a chat template shows of a conversation.

    Attributes:
        takes_system: Whether it shows a system turn.
        takes_several: Whether it shows the images of a second user turn.
        keeps_order: Whether an image between words of one turn stays between them.
    """

    takes_system: bool
    takes_several: bool
    keeps_order: bool

    def check(self, conversation: Conversation, label: str) -> None:
        """See that a conversation can be put through the template.

        Args:
            conversation: To be asked.
            label: Of the model, for messages.

        Raises:
            ModelError: If it cannot; says what to ask instead.
        """
        if conversation.turns[0].role == "system" and not self.takes_system:
            raise ModelError(
                f"{label}: its chat template takes no system turn; use words without one"
            )
        counts = [len(turn.parts) - _texts_in(turn.parts) for turn in conversation.turns]
        if sum(counts) > 1 and not self.takes_several:
            raise ModelError(
                f"{label}: its chat template takes one image in a conversation; ask without "
                "examples (0 shots), or choose another model"
            )
        if max(counts) > 1 and not self.keeps_order:
            raise ModelError(
                f"{label}: its chat template moves the images of a turn away from their words, so "
                "that examples in one turn cannot be told apart; use words that put each example "
                "in a turn of its own"
            )


def messages_of(conversation: Conversation) -> list[Message]:
    """Turns as chat templates take them, each image a place to fill."""
    return [
        {
            "role": turn.role,
            "content": [
                {"type": "text", "text": part.text} if isinstance(part, TextPart) else _IMAGE
                for part in turn.parts
            ],
        }
        for turn in conversation.turns
    ]


def render(processor: Any, messages: Sequence[Message]) -> str:  # noqa: ANN401 - of transformers
    """A conversation as the model's prompt, up to where its answer begins."""
    return str(
        processor.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    )


def read_traits(processor: Any, label: str) -> TemplateTraits:  # noqa: ANN401 - of transformers
    """Try a chat template out.

    Raises:
        ModelError: If there is none, or it shows no image at all.
    """
    if not _has_template(processor):
        raise ModelError(
            f"{label}: has no chat template; choose a model that was tuned to follow instructions"
        )
    asked = _said("user", _IMAGE, _FIRST)
    shown = _attempt(processor, asked)
    # Templates made for words alone print a list of parts as Python would.
    if shown in ("", _attempt(processor, _said("user", _FIRST))) or "'type'" in shown:
        raise ModelError(
            f"{label}: its chat template shows no images; choose a model made for images and text"
        )
    before = [asked, _said("assistant", _SECOND)]
    return TemplateTraits(
        takes_system=_THIRD in _attempt(processor, _said("system", _THIRD), asked),
        takes_several=_differ(
            _attempt(processor, *before, _said("user", _IMAGE, _THIRD)),
            _attempt(processor, *before, _said("user", _THIRD)),
        ),
        keeps_order=_differ(
            _between(_attempt(processor, _said("user", _FIRST, _IMAGE, _SECOND))),
            _between(_attempt(processor, _said("user", _FIRST, _SECOND))),
        ),
    )


def _has_template(processor: Any) -> bool:  # noqa: ANN401 - of transformers
    tokenizer = getattr(processor, "tokenizer", None)
    return bool(
        getattr(processor, "chat_template", None) or getattr(tokenizer, "chat_template", None)
    )


def _said(role: str, *parts: str | Mapping[str, str]) -> Message:
    content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    return {"role": role, "content": content}


def _attempt(processor: Any, *messages: Message) -> str:  # noqa: ANN401 - of transformers
    """The prompt; "" if the template refuses the turns, which it says with any error."""
    try:
        return render(processor, messages)
    except Exception:  # templates are programs: raise_exception, missing keys, wrong types
        return ""


def _differ(with_image: str, without: str) -> bool:
    return bool(with_image) and with_image != without


def _between(prompt: str) -> str:
    """What stands between the first and the second word."""
    return prompt.partition(_FIRST)[2].partition(_SECOND)[0]


def _texts_in(parts: Sequence[object]) -> int:
    return sum(isinstance(part, TextPart) for part in parts)
