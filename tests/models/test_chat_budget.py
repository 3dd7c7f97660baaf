"""Requests that need permission, and requests that ask for a form."""

from __future__ import annotations

import pytest

from isekai_gen.errors import StorageError
from isekai_gen.models.chat_client import ChatClient
from isekai_gen.models.chat_requests import NOT_ALLOWED, ChatLimits, ChatRequest
from tests.evaluation.chat_server import refused, serving
from tests.models.chat_asking import QUICK, echo, question, script


def client_with(server, may_send, **limits):
    return ChatClient(server.base_url, "m", ChatLimits(**{**QUICK, **limits}), may_send)


@pytest.mark.parametrize("budget", [0, 1, 4])
def test_nothing_is_sent_without_permission(budget):
    left = iter([True] * budget)
    with serving(echo) as server:
        client = client_with(server, lambda: next(left, False))
        replies = dict(client.replies([question(str(number)) for number in range(6)]))
    assert len(server.received) == client.totals.sent == budget
    assert [reply.failure for reply in replies.values()].count(NOT_ALLOWED) == 6 - budget


def test_every_try_needs_permission():
    left = iter([True, True])
    oops = refused(500, "oops")
    with serving(script(oops, oops, oops)) as server:
        client = client_with(server, lambda: next(left, False))
        ((_, reply),) = client.replies([question()])
    assert len(server.received) == 2
    assert reply.failure == NOT_ALLOWED


def test_an_error_while_permission_is_given_ends_the_run():
    def full():
        raise StorageError("disk full")

    with serving(echo) as server:
        with pytest.raises(StorageError, match="disk full"):
            list(client_with(server, full).replies([question()] * 3))
        assert server.received == []


def test_a_form_is_asked_for_in_the_servers_terms():
    with serving(echo) as server:
        client = client_with(server, None, max_concurrent=1)
        plain = question()
        formed = ChatRequest(plain.conversation, {}, {"type": "json_object"})
        list(client.replies([plain, formed]))
    assert "response_format" not in server.received[0].body
    assert server.received[1].body["response_format"] == {"type": "json_object"}
