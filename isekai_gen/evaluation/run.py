"""Ask a model what the cache does not know yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from isekai_gen.evaluation.cache import AnswerCache
from isekai_gen.evaluation.protocols import Answer, Answerer, Question
from isekai_gen.models.chat_requests import LASTING_FAILURES

# A kill loses what was answered since the last write: paid for, perhaps. Each write waits for the
# disk, so that a fast model gets many answers into one.
_SECONDS_BETWEEN_WRITES = 1.0
_ANSWERS_IN_A_WRITE = 256

OnAnswer = Callable[[int, int], None]
"""Told of answers that came: how many, and how many of them failed."""


@dataclass(frozen=True, eq=False)
class Replies:
    """What came of some questions: all = cached + asked.

    Attributes:
        answers: Key of a question to its answer; every question has one.
        cached: Questions that were not asked: their answers, or those of equal ones, were known.
        asked: Questions that the model was asked.
    """

    answers: dict[str, Answer]
    cached: int
    asked: int


def is_final(answer: Answer) -> bool:
    """Whether an answer is kept: it has words, or asking again would bring none either."""
    return not answer.failure or answer.failure in LASTING_FAILURES


def ask(
    answerer: Answerer, questions: Sequence[Question], cache: AnswerCache, on_answer: OnAnswer
) -> Replies:
    """Answers to all questions, from the disk where they are known.

    Equal questions are asked once. Answers are appended to the cache as they come.

    Args:
        answerer: The model.
        questions: In any order.
        cache: Of the same model.
        on_answer: For progress.

    Raises:
        IsekaiGenError: If the model cannot be asked at all, or the disk is full; answers that
            came before are kept.
        ValueError: If the answerer leaves a question out or answers another.
    """
    distinct = {question.key: question for question in questions}
    found = {key: answer for key in distinct if (answer := cache.get(key)) is not None}
    pending = [question for key, question in distinct.items() if key not in found]
    on_answer(len(questions) - len(pending), 0)
    came: list[Answer] = []
    if pending:
        # Closed here whatever happens: what came is then written under the caller's lock.
        with closing(_kept_as_they_come(answerer.answers(pending), cache)) as kept:
            for answer in kept:
                came.append(answer)
                on_answer(1, int(bool(answer.failure)))
    if sorted(answer.key for answer in came) != sorted(question.key for question in pending):
        raise ValueError(
            f"{answerer.name}: {len(came)} answers do not fit {len(pending)} questions"
        )
    return Replies(
        answers=found | {answer.key: answer for answer in came},
        cached=len(questions) - len(came),
        asked=len(came),
    )


def _kept_as_they_come(
    answers: Iterator[Answer], cache: AnswerCache
) -> Generator[Answer, None, None]:
    waiting: list[Answer] = []
    written = time.monotonic()
    try:
        for answer in answers:
            if is_final(answer):
                waiting.append(answer)
            late = time.monotonic() - written >= _SECONDS_BETWEEN_WRITES
            if late or len(waiting) >= _ANSWERS_IN_A_WRITE:
                # Never twice: behind the torn line of a full disk, a second try would be damage.
                complete, waiting, written = waiting, [], time.monotonic()
                cache.add(complete)
            yield answer
    finally:
        cache.add(waiting)
