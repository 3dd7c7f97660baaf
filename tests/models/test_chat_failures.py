"""Servers that misbehave: what is tried again, what is a failure, what ends the run."""

from __future__ import annotations

import socket
import threading
import time
from email.utils import formatdate

import pytest

from isekai_gen.errors import ModelError
from isekai_gen.models.chat_client import ChatClient
from isekai_gen.models.chat_pacing import Pace, retry_after_seconds
from isekai_gen.models.chat_requests import LASTING_FAILURES, ChatLimits
from tests.evaluation.chat_server import Response, answered, refused, serving
from tests.models.chat_asking import KEY, ask, client_of, echo, question, script


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("ISEKAI_GEN_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.mark.parametrize(
    "passing",
    [
        refused(429, "slow down"),
        refused(408, "too slow"),
        refused(500, "oops"),
        refused(503, "loading"),
        Response(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}),
        Response(200, b"<html>please log in</html>", {"Content-Type": "text/html"}),
        Response(200, answered("good").body[:40]),
        Response(200, b""),
        Response(200, b"[" * 100_000),
        Response(200, b'{"choices": []}'),
        Response(200, b'{"choices": null}'),
        Response(200, b'{"choices": [{"message": {"content": 7}}]}'),
        Response(200, b'{"choices": [{"message": {"content": [7]}}]}'),
        Response(200, b'{"error": {"message": "upstream went away", "code": 502}}'),
        Response(200, answered("good").body, cut_off=True),
    ],
)
def test_what_may_pass_is_tried_again(passing):
    with serving(script(passing, passing)) as server:
        client, replies = ask(server)
    assert replies[0].text == "good"
    assert len(server.received) == client.totals.sent == 3


@pytest.mark.parametrize(
    ("passing", "failure"),
    [
        (refused(429, "slow down"), "too many requests"),
        (refused(500, "oops"), "server error 500"),
        (Response(200, b"{"), "unreadable answer"),
        (Response(200, b"{}", cut_off=True), "no connection"),
        (Response(200, b"x" * 9_000_000), "unreadable answer"),
    ],
)
def test_a_request_is_given_up_after_its_tries_and_the_rest_goes_on(passing, failure):
    with serving(script(passing, passing, passing)) as server:
        client, replies = ask(server, count=4, max_concurrent=1)
    assert [replies[place].failure for place in range(4)] == [failure, "", "", ""]
    assert failure not in LASTING_FAILURES
    assert len(server.received) == 6
    assert (client.totals.answered, client.totals.failed) == (3, 1)


@pytest.mark.parametrize(
    ("lasting", "failure"),
    [
        (answered(None, refusal="I cannot help with that"), "refused"),
        (answered("There is", finish="content_filter"), "refused"),
        (refused(400, "filtered", code="content_filter"), "refused"),
        (refused(400, "no", innererror={"code": "ResponsibleAIPolicyViolation"}), "refused"),
        (answered("", finish="length"), "cut off before an answer"),
        (answered(None, finish="length"), "cut off before an answer"),
        (answered(" \n"), "said nothing"),
        (refused(400, "too much", code="context_length_exceeded"), "too long for the model"),
        (refused(400, "x", type="exceed_context_size_error"), "too long for the model"),
        (
            refused(400, "This model's maximum context length is 4096 tokens."),
            "too long for the model",
        ),
        (Response(413, b"nginx"), "too large for the server"),
    ],
)
def test_what_asking_again_would_not_change_is_asked_once(lasting, failure):
    with serving(script(lasting)) as server:
        _, replies = ask(server)
    assert (replies[0].text, replies[0].failure) == ("", failure)
    assert failure in LASTING_FAILURES
    assert len(server.received) == 1


def test_refusals_in_a_row_do_not_stop_the_run():
    with serving(lambda _: answered(None, refusal="no")) as server:
        _, replies = ask(server, count=10, max_given_up=2)
    assert [reply.failure for reply in replies.values()] == ["refused"] * 10


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "set ISEKAI_GEN_API_KEY"),
        (403, "set ISEKAI_GEN_API_KEY"),
        (404, "most end with /v1"),
        (400, "takes images"),
        (422, "takes images"),
    ],
)
def test_what_no_request_would_survive_stops_at_once(status, remedy):
    message = f"bad\n\x1b[31mkey {KEY} " + "very " * 200
    with serving(lambda _: refused(status, message)) as server:
        client = client_of(server, max_concurrent=1)
        with pytest.raises(ModelError, match=remedy) as raised:
            list(client.replies([question()] * 50))
    assert len(server.received) == 1
    said = str(raised.value)
    assert f"the server answers {status} and says: bad [31mkey *** very" in said
    assert KEY not in said
    assert len(said) < 500


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "model is gone"}',
        b'{"detail": "model is gone"}',
        b"model is gone",
        b'{"object": "error", "message": "model is gone", "code": 404}',
    ],
)
def test_the_servers_words_are_found_in_every_usual_shape(body):
    with (
        serving(lambda _: Response(404, body)) as server,
        pytest.raises(ModelError, match="says: model is gone;"),
    ):
        ask(server)


def test_replies_that_came_before_the_end_are_handed_out():
    with serving(script(answered("one"), answered("two"), refused(401, "expired"))) as server:
        replies = client_of(server, max_concurrent=1).replies([question()] * 5)
        assert [next(replies)[1].text for _ in range(2)] == ["one", "two"]
        with pytest.raises(ModelError, match="expired"):
            next(replies)


def test_no_credit_is_not_too_many_requests():
    out = refused(429, "You exceeded your quota", code="insufficient_quota")
    with serving(lambda _: out) as server, pytest.raises(ModelError, match="no credit left"):
        ask(server, count=3, max_concurrent=1)
    assert len(server.received) == 1


def test_a_dead_server_stops_the_run():
    with serving(lambda _: refused(500, "out of memory")) as server:
        client = client_of(server, max_concurrent=1, max_given_up=3, max_tries=2)
        replies = client.replies([question()] * 50)
        failures = [next(replies)[1].failure for _ in range(3)]
        with pytest.raises(ModelError, match=r"3 requests in a row .* 500: out of memory"):
            next(replies)
    assert failures == ["server error 500"] * 3
    assert len(server.received) == 6


def test_no_server_at_all_is_told():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    limits = ChatLimits(max_tries=2, max_given_up=2, backoff_seconds=0.005)
    client = ChatClient(f"http://127.0.0.1:{port}/v1", "m", limits)
    with pytest.raises(ModelError, match=r"\(the last: no connection"):
        list(client.replies([question()] * 50))


def test_a_good_answer_between_bad_ones_keeps_the_run_alive():
    bad = refused(500, "oops")
    with serving(script(bad, bad, answered("x"), bad, bad, answered("x"))) as server:
        _, replies = ask(server, count=6, max_concurrent=1, max_tries=1, max_given_up=3)
    assert [bool(replies[place].failure) for place in range(6)] == [
        True, True, False, True, True, False
    ]  # fmt: skip


@pytest.mark.parametrize("status", [429, 503])
def test_waits_as_long_as_the_server_asks_with_all_requests(monkeypatch, status):
    """The one that is under way with the limited one is answered once that one has been read."""
    read, hold = threading.Event(), Pace.hold

    def held(pace, seconds):
        hold(pace, seconds)
        read.set()

    def first_limited(received):
        if received is server.received[0]:
            return Response(status, b"{}", {"Retry-After": "0.4"})
        assert read.wait(60)
        return answered("good")

    monkeypatch.setattr(Pace, "hold", held)
    with serving(first_limited) as server:
        ask(server, count=6, max_concurrent=2, timeout_seconds=60)
    starts = [received.at for received in server.received]
    assert len(starts) == 7
    assert all(start - starts[0] >= 0.4 for start in starts[2:])


def test_a_date_to_wait_for_is_understood():
    soon = formatdate(time.time() + 1000, usegmt=True)
    assert 900 < retry_after_seconds(soon) <= 1000
    assert retry_after_seconds(formatdate(time.time() - 1000, usegmt=True)) == 0


YEARS_AWAY = "1 Jan 2015 99999999999999999999:00:00 +0000"


@pytest.mark.parametrize("odd", ["soon", "-5", "", "nan", "1e9", "9" * 400, "²", YEARS_AWAY])
def test_a_wait_that_cannot_be_read_is_as_none(odd):
    limited = Response(429, b"{}", {"Retry-After": odd})
    with serving(script(limited)) as server:
        _, replies = ask(server)
    assert replies[0].text == "good"


def test_a_very_long_wait_ends_the_run():
    limited = Response(429, b"{}", {"Retry-After": "86400"})
    with (
        serving(script(limited)) as server,
        pytest.raises(ModelError, match="asks to wait 86400 s"),
    ):
        ask(server)


def test_a_server_that_takes_too_long_is_tried_again():
    tried_again = threading.Event()

    def first_never(received):
        if received is server.received[0]:
            tried_again.wait(60)
        else:
            tried_again.set()
        return answered("good")

    with serving(first_never) as server:
        client = client_of(server, timeout_seconds=0.3, max_tries=100)
        ((_, reply),) = client.replies([question()])
    assert reply.text == "good"
    assert client.totals.sent >= 2


def test_a_server_that_drips_cannot_hold_a_request_for_good():
    """The time-out is of the whole answer: no gap in this one is as long."""
    drip = Response(body=answered("x").body, wait_seconds=0.05, pieces=2000)
    with serving(lambda _: drip) as server:
        _, replies = ask(server, timeout_seconds=0.4, max_tries=2)
    assert replies[0].failure == "timed out"


def test_redirects_are_not_followed_and_the_key_stays():
    with serving(echo) as elsewhere:
        away = {"Location": f"{elsewhere.base_url}/chat/completions?key=1"}
        with (
            serving(lambda _: Response(307, b"", away)) as server,
            pytest.raises(ModelError, match=f"redirects to {elsewhere.base_url}") as raised,
        ):
            ask(server)
    assert elsewhere.received == []
    assert "key=1" not in str(raised.value)
