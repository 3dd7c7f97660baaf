"""Asking the language model: from the record, or over HTTP within the budget of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from isekai_gen.errors import ModelError
from isekai_gen.hashing import canonical_json, digest_of
from isekai_gen.models.chat_client import ChatClient
from isekai_gen.models.chat_requests import NOT_ALLOWED, ChatReply, ChatRequest
from isekai_gen.proposals.llm_answers import AnswerForm, Element
from isekai_gen.proposals.llm_calls import Call, CallRecord, CallRole
from isekai_gen.proposals.llm_settings import LlmLimits, LlmTotals, parse_llm_address
from isekai_gen.records import Conversation, Turn


class BudgetSpentError(Exception):
    """No further request may be sent; the engine ends with what it has."""


class LlmAsker:
    """Asks one model, one call after the other, and records each.

    Attributes:
        name: "openai:HOST#MODEL".
    """

    def __init__(self, address: str, limits: LlmLimits, folder: Path, seed: int) -> None:
        """Nothing is asked yet.

        Raises:
            ModelError: If the address is none, or the key in the environment is no key.
            ChecksumError: If the record of earlier calls is damaged.
        """
        found = parse_llm_address(address)
        # Calls follow from each other, and a server that fails them is not asked for more.
        chat = replace(
            limits.chat,
            max_concurrent=1,
            max_given_up=1,
            seed=None if limits.chat.seed is None else seed,
        )
        self.name = f"openai:{found.host}#{found.model}"
        self._limits = limits
        self._seed = seed
        self._model = f"openai:{found.base_url}#{found.model} {canonical_json(chat.decoding())}"
        self._record = CallRecord(folder)
        self._client = ChatClient(found.base_url, found.model, chat, self._may_send)
        self._asking = ""
        self._sent_before = self._record.sent
        self._from_record = 0

    @property
    def totals(self) -> LlmTotals:
        """What was asked and answered so far, earlier runs in the folder included."""
        calls = self._record.calls
        return LlmTotals(
            sent=self._record.sent,
            max_calls=self._limits.max_calls,
            answered=self._record.answered,
            failed=len(calls) - self._record.answered,
            from_record=self._from_record,
            prompt_tokens=sum(call.prompt_tokens or 0 for call in calls),
            completion_tokens=sum(call.completion_tokens or 0 for call in calls),
        ).with_cost(self._limits.prices)

    def ask(self, role: CallRole, turns: Sequence[Turn], form: AnswerForm[Element]) -> Call:
        """What the model answers, or a failure that asking again would not change.

        Args:
            role: For the record.
            turns: What was said, the user's turn last.
            form: Of the answer.

        Raises:
            BudgetSpentError: If the answer is not in the record and no request may be sent.
            ModelError: If the server cannot be used, or a call failed after all its tries; the
                same command goes on from here.
        """
        messages = tuple({"role": turn.role, "content": turn.text} for turn in turns)
        response_format = self._response_format(form)
        request = digest_of(
            {
                "model": self._model,
                "seed": self._seed,
                "messages": messages,
                "response_format": response_format,
            }
        )
        known = self._record.find(request)
        if known is not None:
            self._from_record += 1
            return known
        call = Call(request, role, self._model, messages, "", "", None, None, 0.0, 0)
        chat = ChatRequest(Conversation(request, tuple(turns)), {}, response_format)
        return self._ask_server(call, chat)

    def _ask_server(self, call: Call, chat: ChatRequest) -> Call:
        self._asking, self._sent_before = call.request, self._record.sent
        answered: Call | None = None
        try:
            for _, reply in self._client.replies([chat]):
                answered = self._add(call, reply)
        except ModelError as error:
            if answered is None:
                self._add(call, ChatReply("", failure=str(error)))
            raise self._with_remedy(error) from error
        if answered is None or not answered.is_final:
            raise BudgetSpentError
        return answered

    def _add(self, call: Call, reply: ChatReply) -> Call:
        """Record what came; a call that was never sent leaves no line."""
        sent = self._record.sent - self._sent_before
        made = replace(
            call,
            text=reply.text,
            failure=reply.failure,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            seconds=round(reply.seconds, 3),
            sent=sent,
        )
        if sent or reply.failure != NOT_ALLOWED:
            self._record.add(made)
        return made

    def _may_send(self) -> bool:
        if self._record.sent >= self._limits.max_calls:
            return False
        self._record.note_sent(self._asking)
        return True

    def _response_format(self, form: AnswerForm[Element]) -> Mapping[str, Any] | None:
        if self._limits.answer_format == "text":
            return None
        if self._limits.answer_format == "json":
            return {"type": "json_object"}
        schema = {"name": form.key, "strict": True, "schema": form.schema(for_server=True)}
        return {"type": "json_schema", "json_schema": schema}

    def _with_remedy(self, error: ModelError) -> ModelError:
        """With the way out, if the server does not know how we ask for JSON."""
        said = str(error)
        asked = self._limits.answer_format
        words = ("response_format", "json_schema", "json_object", "schema")
        if asked == "text" or not any(word in said for word in words):
            return error
        others = "json or text" if asked == "schema" else "text"
        return ModelError(f"{said}; for a server that does not know it: --answer-format {others}")
