"""JSON cut out of what a language model says, which nobody trusts.

Models put JSON into code fences, before or behind prose, or after thoughts of their own. What is
cut out is one object of bounded size without repeated keys and without numbers that JSON lacks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

MAX_ANSWER = 200_000
"""Characters of an answer that is read at all."""
_FENCED = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)```", re.DOTALL)
_END_OF_THOUGHTS = "</think>"
# Prose before the object may hold braces, too; each is a place where the object may begin.
_MOST_STARTS = 20
_MOST_DIGITS = 1000


class UnreadableAnswerError(ValueError):
    """An answer without the object asked for; the message says why, for the model to read."""


def object_in(text: str) -> dict[str, Any]:
    """The first JSON object that an answer holds.

    Raises:
        UnreadableAnswerError: If it is longer than `MAX_ANSWER`, or holds none that can be read.
    """
    if len(text) > MAX_ANSWER:
        raise UnreadableAnswerError(
            f"{len(text)} characters are more than the {MAX_ANSWER} that are read"
        )
    first_fault = ""
    for candidate in _candidates(text.rpartition(_END_OF_THOUGHTS)[2]):
        try:
            return _object_at_start(candidate)
        except RecursionError:
            fault = "nested too deeply"
        except ValueError as error:
            fault = str(error)
        first_fault = first_fault or fault
    raise UnreadableAnswerError(first_fault or "there is no JSON object in it")


def _candidates(text: str) -> Iterator[str]:
    for fenced in _FENCED.finditer(text):
        if fenced[1].lstrip().startswith("{"):
            yield fenced[1].lstrip()
    start = -1
    for _ in range(_MOST_STARTS):
        start = text.find("{", start + 1)
        if start < 0:
            return
        yield text[start:]


def _object_at_start(text: str) -> dict[str, Any]:
    decoder = json.JSONDecoder(
        object_pairs_hook=_without_repeats, parse_constant=_refuse_constant, parse_int=_short_int
    )
    found, _ = decoder.raw_decode(text)
    if not isinstance(found, dict):
        raise UnreadableAnswerError("it is no JSON object")
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise UnreadableAnswerError(f"the key {key[:40]!r} stands twice in one object")
        found[key] = value
    return found


def _short_int(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise UnreadableAnswerError(f"a number has {len(digits)} digits")
    return int(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableAnswerError(f"{name} is no JSON")
