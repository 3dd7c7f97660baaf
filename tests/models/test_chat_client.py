"""The chat client against a server that behaves, over real HTTP: requests, pace, keys."""

from __future__ import annotations

import threading
import time

import pytest

from isekai_gen.errors import ModelError
from isekai_gen.models.chat_address import ChatAddress, api_key
from isekai_gen.models.chat_requests import ChatLimits, ChatRequest
from isekai_gen.records import Conversation, TextPart, Turn
from tests.evaluation.chat_server import Response, answered, refused, serving
from tests.models.chat_asking import KEY, ask, client_of, echo, question, script


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("ISEKAI_GEN_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_every_request_gets_its_own_reply_whatever_the_order():
    def late_or_soon(received):
        text = received.body["messages"][-1]["content"]
        return Response(body=echo(received).body, wait_seconds=0.05 if int(text) % 3 else 0.0)

    with serving(late_or_soon) as server:
        _, replies = ask(server, count=17)
    assert {place: reply.text for place, reply in replies.items()} == {
        place: str(place) for place in range(17)
    }


def test_nothing_to_ask_asks_nothing():
    with serving(echo) as server:
        client, replies = ask(server, count=0)
    assert replies == {}
    assert (client.totals.sent, server.received) == (0, [])


def test_a_request_has_model_words_settings_and_key():
    conversation = Conversation(
        "k",
        (
            Turn("system", (TextPart("be brief"),)),
            Turn("user", (TextPart("a"), TextPart("b"))),
            Turn("assistant", (TextPart("c"),)),
            Turn("user", (TextPart("d"),)),
        ),
    )
    with serving(echo) as server:
        client = client_of(server, max_tokens=9, seed=3)
        list(client.replies([ChatRequest(conversation, {})]))
    (received,) = server.received
    assert received.path == "/v1/chat/completions"
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.body == {
        "model": "m",
        "max_tokens": 9,
        "temperature": 0.0,
        "seed": 3,
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "ab"},
            {"role": "assistant", "content": "c"},
            {"role": "user", "content": "d"},
        ],
    }


def test_settings_that_a_server_does_not_know_can_be_left_out():
    with serving(echo) as server:
        ask(server, temperature=None, seed=None)
    assert server.received[0].body.keys() == {"model", "max_tokens", "messages"}


def test_never_more_requests_at_once_than_allowed():
    three_at_once = threading.Barrier(3)

    def together(_):
        three_at_once.wait(60)
        return Response(body=answered("x").body, wait_seconds=0.03)

    with serving(together) as server:
        ask(server, count=21, max_concurrent=3)
    assert server.most_at_once == 3


def test_the_rate_is_kept_over_calls_and_tries():
    started = time.monotonic()
    with serving(script(refused(500, "oops"))) as server:
        client = client_of(server, requests_per_minute=1200)
        list(client.replies([question()] * 4))
        list(client.replies([question()] * 4))
    assert len(server.received) == 9
    assert time.monotonic() - started >= 8 * 60 / 1200


def test_a_newer_model_gets_the_limit_under_its_newer_name():
    def newer(received):
        if "max_tokens" in received.body:
            return refused(400, "use 'max_completion_tokens'", param="max_tokens")
        return answered(str(received.body["max_completion_tokens"]))

    with serving(newer) as server:
        _, replies = ask(server, count=3, max_concurrent=1, max_tries=1, max_tokens=55)
    assert [reply.text for reply in replies.values()] == ["55"] * 3
    assert len(server.received) == 4


def test_a_length_that_is_wrong_under_both_names_is_told():
    def stubborn(received):
        (field,) = {"max_tokens", "max_completion_tokens"} & received.body.keys()
        return refused(400, f"{field} is too large", param=field)

    with serving(stubborn) as server, pytest.raises(ModelError, match="is too large"):
        ask(server)
    assert len(server.received) == 2


def test_leaving_early_breaks_off_what_is_under_way():
    went_on, answers = threading.Event(), []

    def slow(received):
        if received.body["messages"][-1]["content"] != "0":
            went_on.wait(60)
        answers.append(answered("x"))
        return answers[-1]

    with serving(slow) as server:
        replies = client_of(server, max_concurrent=2, timeout_seconds=120).replies(
            [question(str(number)) for number in range(50)]
        )
        next(replies)
        replies.close()
        assert len(answers) == 1
        went_on.set()
    assert len(server.received) <= 3


class TestKeys:
    def sent(self, base_url="http://127.0.0.1:1/v1"):
        return api_key(ChatAddress(base_url, "m"))

    def test_without_one_none_is_sent(self, monkeypatch):
        monkeypatch.delenv("ISEKAI_GEN_API_KEY")
        with serving(echo) as server:
            ask(server)
        assert "authorization" not in server.received[0].headers

    def test_our_own_goes_before_the_shared_one(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", "sk-shared")
        assert self.sent() == KEY
        monkeypatch.setenv("ISEKAI_GEN_API_KEY", " ")
        assert self.sent() == "sk-shared"

    @pytest.mark.parametrize(
        ("base_url", "sent"),
        [
            ("https://host/v1", "sk-shared"),
            ("http://host/v1", None),
            ("http://192.168.0.7/v1", None),
            ("http://localhost:8000/v1", "sk-shared"),
            ("http://[::1]:8000/v1", "sk-shared"),
        ],
    )
    def test_the_shared_one_never_leaves_this_machine_in_the_clear(
        self, monkeypatch, base_url, sent
    ):
        monkeypatch.delenv("ISEKAI_GEN_API_KEY")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-shared")
        assert self.sent(base_url) == sent

    @pytest.mark.parametrize("odd", ["two\nlines", "na\u00efve"])
    def test_one_that_fits_no_header_is_refused_and_not_shown(self, monkeypatch, odd):
        monkeypatch.setenv("ISEKAI_GEN_API_KEY", odd)
        with pytest.raises(ModelError, match="characters that no key has") as raised:
            self.sent()
        assert odd not in str(raised.value)

    def test_a_proxy_of_the_environment_is_not_asked_about_this_machine(self, monkeypatch):
        with serving(echo) as proxy, serving(echo) as server:
            monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
            monkeypatch.setenv("http_proxy", proxy.base_url)
            ask(server)
        assert (len(proxy.received), len(server.received)) == (0, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_concurrent": 0},
        {"max_tries": 0},
        {"max_tokens": 0},
        {"max_given_up": 0},
        {"requests_per_minute": 0},
        {"timeout_seconds": float("inf")},
        {"backoff_seconds": -1.0},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ChatLimits(**wrong)
