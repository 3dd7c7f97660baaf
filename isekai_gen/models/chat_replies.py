"""What one response of a chat server comes to: words, a failure, another try, or the end.

Pure: no network here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.models.chat_address import OWN_KEY
from isekai_gen.models.chat_requests import CUT_OFF, REFUSED, SAID_NOTHING, TOO_LARGE, TOO_LONG

_UNREADABLE = "unreadable answer"
_PASSING = (408, 425, 429)
# OpenAI, Azure
_FILTERED = {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"}
# OpenAI, llama.cpp
_TOO_LONG = {"context_length_exceeded", "exceed_context_size_error"}
_TOO_LONG_WORDS = "maximum context length"  # vLLM, which gives no code
_NO_CREDIT = "insufficient_quota"
_MAX_MESSAGE = 300
# More is no count, and would break sums and prices.
_MOST_TOKENS = 10**9


@dataclass(frozen=True)
class Outcome:
    """What one try came to.

    Attributes:
        text: The words; "" with a failure.
        failure: Why there are none, or "".
        may_pass: Whether another try may end otherwise.
        detail: More about the failure, for the message that ends a run.
        prompt_tokens: Read, if the server says.
        completion_tokens: Written, if the server says.
    """

    text: str = ""
    failure: str = ""
    may_pass: bool = False
    detail: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True)
class ServerError:
    """What a server says about a request that it does not answer.

    Attributes:
        message: In one line, shortened.
        code: Of the error, its kind where there is no code, or "".
        field: Of the request that is wrong, or "".
    """

    message: str
    code: str
    field: str


def read_error(body: bytes, secret: str | None) -> ServerError:
    """The error in a response, whichever of the usual shapes it has.

    Args:
        body: Of the response.
        secret: Never repeated, should the server do so.
    """
    content = _json(body)
    error = content.get("error", content) if isinstance(content, Mapping) else content
    if not isinstance(error, Mapping):
        error = {"message": error if isinstance(error, str) else body.decode(errors="replace")}
    inner = error.get("innererror")  # Azure
    inner_code = inner.get("code") if isinstance(inner, Mapping) else None
    codes = (error.get("code"), inner_code, error.get("type"))
    known = [code for code in codes if isinstance(code, str) and code]
    special = [code for code in known if code in _FILTERED | _TOO_LONG | {_NO_CREDIT}]
    words = error.get("message") or error.get("detail") or ""
    return ServerError(
        message=one_line(words if isinstance(words, str) else json.dumps(words), secret),
        code=(special or known or [""])[0],
        field=str(error.get("param") or ""),
    )


def outcome_of_error(status: int, error: ServerError, where: str) -> Outcome:
    """What a response without an answer comes to.

    Args:
        status: HTTP status, not of success and not of a redirect.
        error: What the server says.
        where: The server and its model, for messages.

    Raises:
        ModelError: If no further request would fare better.
    """
    if error.code == _NO_CREDIT:
        raise ModelError(f"{where}: no credit left ({error.message}); add some and run this again")
    if status == 429:
        return Outcome(failure="too many requests", may_pass=True, detail=error.message)
    if status in _PASSING or status >= 500:
        return Outcome(failure=f"server error {status}", may_pass=True, detail=error.message)
    if status == 413:
        return Outcome(failure=TOO_LARGE)
    if error.code in _FILTERED:
        return Outcome(failure=REFUSED)
    if error.code in _TOO_LONG or (status == 400 and _TOO_LONG_WORDS in error.message):
        return Outcome(failure=TOO_LONG)
    said = f" and says: {error.message}" if error.message else ""
    raise ModelError(f"{where}: the server answers {status}{said}; {_remedy(status)}")


def outcome_of_answer(body: bytes) -> Outcome:
    """What a response of success comes to; one without an answer in it is worth another try."""
    content = _json(body)
    try:
        choice = content["choices"][0]
        message = choice["message"]
        text = _whole(_words(message.get("content")))
        refusal, finish = message.get("refusal"), choice.get("finish_reason")
        usage = content.get("usage")
    except (TypeError, KeyError, IndexError, AttributeError):
        return unreadable(body.decode(errors="replace"))
    failure = ""
    if refusal or finish == "content_filter":
        failure = REFUSED
    elif not text.strip():
        failure = CUT_OFF if finish == "length" else SAID_NOTHING
    return Outcome(
        text="" if failure else text,
        failure=failure,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
    )


def unreadable(detail: str) -> Outcome:
    """A response that is no answer of a chat server."""
    return Outcome(failure=_UNREADABLE, may_pass=True, detail=one_line(detail))


def one_line(text: str, secret: str | None = None) -> str:
    """A server's words for a message of ours: one line, shortened, without escape sequences."""
    hidden = text.replace(secret, "***") if secret else text
    printable = "".join(letter if letter.isprintable() else " " for letter in hidden[:10_000])
    return " ".join(printable.split())[:_MAX_MESSAGE]


def _json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _words(content: object) -> str:
    """Text of a message's content: plain, absent, or a list of parts.

    Raises:
        TypeError: If it is anything else.
    """
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise TypeError
    texts = [part["text"] for part in content if part["type"] == "text"]
    return "".join(texts)


def _whole(text: str) -> str:
    """`text` with U+FFFD for half a character, as answers cut at their limit may end with."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _count(usage: object, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _MOST_TOKENS else None


def _remedy(status: int) -> str:
    if status in (401, 403):
        return f"set {OWN_KEY} to a key that may use this model"
    if status == 404:
        return "check the address (most end with /v1) and the name of the model"
    return "check that the model takes images and the settings given"
