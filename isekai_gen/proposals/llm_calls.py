"""Every call to the language model on disk, so that none is paid twice and none is over budget.

`calls.jsonl` has a line for each call with its answer, written before the answer is used.
`calls-sent.jsonl` has a line for each request, written before it is sent: a request that a kill
cut off counts, too. Both are only appended to; a torn last line is cut off at opening. One process
at a time may write: whoever proposes holds the folder's lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from isekai_gen.models.chat_requests import LASTING_FAILURES
from isekai_gen.records.base import Record
from isekai_gen.shards import append_records, read_records, repair_tail

CALLS_FILE = "calls.jsonl"
SENT_FILE = "calls-sent.jsonl"
CallRole = Literal["planner", "maker", "critic", "repair"]


@dataclass(frozen=True)
class Call(Record):
    """One call and what came of it.

    Attributes:
        request: Digest of all that the answer depends on.
        role: What the model was: the planner, the maker, the maker under its critic, or one that
            repairs an answer.
        model: Identity of the model and its decoding settings; never the key.
        messages: As sent, each with "role" and "content".
        text: The model's words; "" with a failure.
        failure: Why there are none, or "".
        prompt_tokens: As the server counts them, or None.
        completion_tokens: Likewise.
        seconds: From the first try to the answer.
        sent: Requests sent, every try counted.
    """

    _tuples: ClassVar[frozenset[str]] = frozenset({"messages"})

    request: str
    role: CallRole
    model: str
    messages: tuple[Mapping[str, str], ...]
    text: str
    failure: str
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float
    sent: int

    def __post_init__(self) -> None:
        texts = (self.request, self.role, self.model, self.text, self.failure)
        counts = (self.prompt_tokens, self.completion_tokens)
        if not (
            all(isinstance(text, str) for text in texts)
            and all(count is None or isinstance(count, int) for count in counts)
            and isinstance(self.seconds, int | float)
            and isinstance(self.sent, int)
        ):
            raise ValueError(
                "not a call as it was written; delete the line: the call is then made again"
            )

    @property
    def is_final(self) -> bool:
        """Whether the same request would come to the same; failures that may pass are not."""
        return not self.failure or self.failure in LASTING_FAILURES


@dataclass(frozen=True)
class SentRequest(Record):
    """A request about to be sent.

    Attributes:
        request: Digest, as of its call.
    """

    request: str


class CallRecord:
    """The calls of one folder."""

    def __init__(self, folder: Path) -> None:
        """Read what earlier runs recorded.

        Raises:
            ChecksumError: If a line is damaged.
        """
        self._calls_path = folder / CALLS_FILE
        self._sent_path = folder / SENT_FILE
        repair_tail(self._calls_path)
        repair_tail(self._sent_path)
        self._calls = read_records(self._calls_path, Call)
        self._final = {call.request: call for call in self._calls if call.is_final}
        self._sent = len(read_records(self._sent_path, SentRequest))

    @property
    def calls(self) -> tuple[Call, ...]:
        """All calls, in the order they were made."""
        return tuple(self._calls)

    @property
    def sent(self) -> int:
        """Requests sent, every try counted, also those that were never answered."""
        # One file without the other still tells what was spent.
        return max(self._sent, sum(call.sent for call in self._calls))

    @property
    def answered(self) -> int:
        """Calls that got words."""
        return sum(not call.failure for call in self._calls)

    def find(self, request: str) -> Call | None:
        """The call with this digest if it came to something that lasts, or None."""
        return self._final.get(request)

    def note_sent(self, request: str) -> None:
        """Append a request that is about to be sent, durably.

        Raises:
            StorageError: If the disk is full or read-only.
        """
        append_records(self._sent_path, [SentRequest(request)])
        self._sent = self.sent + 1

    def add(self, call: Call) -> None:
        """Append a call, durably.

        Raises:
            StorageError: If the disk is full or read-only.
        """
        append_records(self._calls_path, [call])
        self._calls.append(call)
        if call.is_final:
            self._final[call.request] = call
