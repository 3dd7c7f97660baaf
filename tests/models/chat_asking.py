"""Asking a server in tests, over real HTTP."""

from __future__ import annotations

from isekai_gen.models.chat_client import ChatClient
from isekai_gen.models.chat_requests import ChatLimits, ChatRequest
from isekai_gen.records import Conversation, TextPart, Turn
from tests.evaluation.chat_server import answered

KEY = "sk-very-secret"
QUICK = {"max_tries": 3, "timeout_seconds": 60.0, "backoff_seconds": 0.005, "max_concurrent": 4}


def question(text="what is it?"):
    return ChatRequest(Conversation(text, (Turn("user", (TextPart(text),)),)), {})


def client_of(server, **limits):
    return ChatClient(server.base_url, "m", ChatLimits(**{**QUICK, **limits}))


def ask(server, count=1, **limits):
    client = client_of(server, **limits)
    requests = [question(str(number)) for number in range(count)]
    return client, dict(client.replies(requests))


def script(*responses):
    """A server that gives these one after the other, then good answers."""
    left = iter(responses)
    return lambda _: next(left, answered("good"))


def echo(received):
    return answered(received.body["messages"][-1]["content"])
