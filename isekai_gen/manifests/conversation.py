"""Episodes as conversations: the question that a model is asked, and the sample it learns from.

A question ends with the user's turn; a sample is the same question and its right answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from isekai_gen.manifests.conversation_words import EpisodeWords
from isekai_gen.manifests.instruction_texts import fill
from isekai_gen.records import Conversation, Episode, ImagePart, Part, TextPart, Turn

_IMAGE = "{image}"


def question_of(episode: Episode, words: EpisodeWords) -> Conversation:
    """What a model is asked: the demonstrations in their order, then the question.

    Raises:
        ManifestError: If a label holds a command of models, such as "<image>".
    """
    turns = [Turn("system", (TextPart(words.system),))] if words.system else []
    if not episode.support:
        labels = quoted_choice(_labels_in_neutral_order(episode))
        asked = image_and_text(words.zero_shot_question, episode.query.image, labels=labels)
        return Conversation(episode.key, (*turns, Turn("user", asked)))
    final = image_and_text(words.final_question, episode.query.image)
    demonstrations = [
        (
            image_and_text(words.demonstration_question, shown.image),
            TextPart(fill(words.demonstration_answer, {"label": shown.label})),
        )
        for shown in episode.support
    ]
    if words.layout == "one-turn":
        parts: list[Part] = []
        for asked, answer in demonstrations:
            parts += [*asked, TextPart("\n"), answer, TextPart("\n")]
        return Conversation(episode.key, (*turns, Turn("user", _joined([*parts, *final]))))
    for asked, answer in demonstrations:
        turns += [Turn("user", asked), Turn("assistant", (answer,))]
    return Conversation(episode.key, (*turns, Turn("user", final)))


def sample_of(episode: Episode, words: EpisodeWords) -> Conversation:
    """The question with its right answer, to train on.

    Raises:
        ManifestError: If a label holds a command of models, such as "<image>".
    """
    question = question_of(episode, words)
    answer = TextPart(fill(words.demonstration_answer, {"label": episode.query.label}))
    return replace(question, turns=(*question.turns, Turn("assistant", (answer,))))


def image_and_text(template: str, image: str, **values: str) -> tuple[Part, ...]:
    """A template's parts; the image stands where `{image}` does.

    Args:
        template: Has `{image}` once.
        image: Path relative to the image folder.
        **values: Of the other placeholders.
    """
    before, _, after = template.partition(_IMAGE)
    return _joined(
        [TextPart(fill(before, values)), ImagePart(image), TextPart(fill(after, values))]
    )


def quoted_choice(labels: Sequence[str]) -> str:
    """Such as '"dax", "wug" or "blicket"'."""
    quoted = [f'"{label}"' for label in labels]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else quoted[0]


def _labels_in_neutral_order(episode: Episode) -> list[str]:
    """The labels in an order that the right answer has no part in, and that no side is first in."""
    return sorted(
        episode.labels,
        key=lambda label: hashlib.sha256(f"{episode.key} {label}".encode()).digest(),
    )


def _joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Parts with neighboring texts as one and empty texts left out."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, TextPart):
            if not part.text:
                continue
            if joined and isinstance(joined[-1], TextPart):
                joined[-1] = TextPart(joined[-1].text + part.text)
                continue
        joined.append(part)
    return tuple(joined)
