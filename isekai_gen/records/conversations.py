"""What is said to a multimodal model, and what it should say: turns of text and images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class TextPart:
    """Words."""

    text: str


@dataclass(frozen=True)
class ImagePart:
    """An image, by its path relative to the image folder, with forward slashes."""

    image: str


Part = TextPart | ImagePart


@dataclass(frozen=True)
class Turn:
    """What one side says, its parts in order."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The words alone."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True)
class Conversation:
    """Turns in order: an optional system turn, then user and assistant alternating.

    A question ends with the user's turn, a sample for training with the assistant's.

    Attributes:
        key: Unique within its file.
        turns: At least one.
    """

    key: str
    turns: tuple[Turn, ...]

    def __post_init__(self) -> None:
        roles = [turn.role for turn in self.turns]
        spoken = roles[1:] if roles[:1] == ["system"] else roles
        expected = ["user", "assistant"] * len(spoken)
        if not spoken or spoken != expected[: len(spoken)]:
            raise ValueError(f"conversation {self.key}: turns out of order: {roles}")

    @property
    def images(self) -> tuple[str, ...]:
        """Paths of all images, in the order they are shown."""
        return tuple(
            part.image for turn in self.turns for part in turn.parts if isinstance(part, ImagePart)
        )
