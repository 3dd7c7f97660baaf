"""Answers on disk, so that nothing is asked twice: JSON lines, one file for each model.

A file is appended to and never rewritten; a torn last line, as a kill leaves it, is cut off when
it is opened. Two processes never append at once: whoever evaluates holds the workspace's lock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from isekai_gen.errors import ChecksumError
from isekai_gen.evaluation.protocols import Answer
from isekai_gen.records.base import Record
from isekai_gen.shards import append_records, read_records, repair_tail
from isekai_gen.workspace import folder_name

# File systems take 255 bytes; the digest tells files apart whose names begin alike.
_MAX_NAME = 150


@dataclass(frozen=True)
class CachedAnswer(Record):
    """A line of the file: an answer and whose it is.

    Attributes:
        model: Identity of the model.
        key: Of the question.
        text: The words.
        failure: Why there is no usable answer, or "".
        prompt_tokens: As the model counts them, or None.
        completion_tokens: Likewise.
        seconds: From the question to the answer.
    """

    model: str
    key: str
    text: str
    failure: str
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float

    def __post_init__(self) -> None:
        texts = (self.model, self.key, self.text, self.failure)
        counts = (self.prompt_tokens, self.completion_tokens)
        if not (
            all(isinstance(text, str) for text in texts)
            and all(count is None or isinstance(count, int) for count in counts)
            and isinstance(self.seconds, int | float)
        ):
            raise ValueError(
                "not an answer as it was written; delete the line: its question is then asked again"
            )

    def answer(self) -> Answer:
        """Without the model."""
        return Answer(
            key=self.key,
            text=self.text,
            failure=self.failure,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            seconds=self.seconds,
        )


class AnswerCache:
    """The answers that one model has given so far.

    Attributes:
        path: The file; made when the first answer is added.
    """

    def __init__(self, folder: Path, name: str, identity: str) -> None:
        """Open the file of a model.

        Args:
            folder: Where the files of all models lie.
            name: Of the model, for people; part of the file's name.
            identity: Names all that its answers depend on; a digest of it is the other part.

        Raises:
            ChecksumError: If a line is damaged.
        """
        digest = hashlib.sha256(identity.encode()).hexdigest()
        self.path = folder / f"{folder_name(name)[:_MAX_NAME]}-{digest[:12]}.jsonl"
        self._identity = identity
        repair_tail(self.path)
        self._answers: dict[str, Answer] = {}
        for number, line in enumerate(read_records(self.path, CachedAnswer), start=1):
            if line.model != identity:
                raise ChecksumError(
                    f"{self.path}:{number}: an answer of another model; delete the file: its "
                    "questions are then asked again"
                )
            self._answers[line.key] = line.answer()

    def get(self, key: str) -> Answer | None:
        """The answer to a question, or None if it was never answered."""
        return self._answers.get(key)

    def add(self, answers: Sequence[Answer]) -> None:
        """Append answers, durably.

        Raises:
            StorageError: If the disk is full or read-only.
        """
        if answers:
            lines = [CachedAnswer(self._identity, **asdict(answer)) for answer in answers]
            append_records(self.path, lines)
            self._answers |= {answer.key: answer for answer in answers}
