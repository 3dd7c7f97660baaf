"""What can go wrong with the Hugging Face Hub, each in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from isekai_gen.errors import ReleaseError

_AGAIN = "run the same command again: what has arrived is not sent twice"
_ANSWERS = {
    401: "the Hub does not accept the token (401); run `hf auth login`, or set HF_TOKEN",
    402: "the Hub asks for payment (402): storage or plan of the owner do not suffice",
    403: "the token may not write there (403); use one with write access",
    404: "not found (404), or the token may not see it; check owner and name",
    409: "another change came in between (409); run the same command again",
    429: f"the Hub asks to go slower (429); wait, then {_AGAIN}",
}


@contextmanager
def hub_errors(repository: str, endpoint: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into one clear line.

    Args:
        repository: That is worked on.
        endpoint: URL of the Hub.

    Raises:
        ReleaseError: In place of errors of the Hub, the network and the upload.
    """
    from huggingface_hub import errors

    own = tuple(each for each in vars(errors).values() if _is_error(each))
    # HTTPError is the base of all errors of its HTTP library, which is httpx or httpx2.
    unreachable = (vars(errors)["HTTPError"], ConnectionError, TimeoutError)
    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise ReleaseError(
            "HF_HUB_OFFLINE is set, so nothing was sent; unset it, or use --dry-run"
        ) from error
    # A failed upload is a RuntimeError that only its cause explains; a refused card a ValueError.
    except (*own, OSError, RuntimeError, ValueError) as error:
        cause = (isinstance(error, RuntimeError) and error.__cause__) or error
        words = _one_line(cause)
        if getattr(cause, "response", None) is not None:
            words = _answer_words(cause)
        elif isinstance(cause, unreachable):
            words = f"cannot reach {endpoint} ({words}); check the network, then {_AGAIN}"
        raise ReleaseError(f"{repository}: {words}") from error


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def _answer_words(error: Any) -> str:  # noqa: ANN401 - HfHubHTTPError, loaded late
    status = error.response.status_code
    if status in _ANSWERS:
        return _ANSWERS[status]
    if status >= 500:
        return f"the Hub failed ({status}); {_AGAIN}"
    return f"the Hub refused ({status}): {_one_line(error)}"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
