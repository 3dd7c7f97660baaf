"""Reading what a chat server sends: any bytes come to an outcome."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.models.chat_replies import outcome_of_answer, read_error
from tests.evaluation.chat_server import Response, answered, serving
from tests.models.chat_asking import ask, script


def test_words_cut_at_the_limit_and_words_in_parts_are_words():
    parts = [{"type": "text", "text": "a "}, {"type": "other"}, {"type": "text", "text": "dax"}]
    with serving(script(answered("there is", finish="length"), answered(parts))) as server:
        _, replies = ask(server, count=2, max_concurrent=1)
    assert [replies[place].text for place in (0, 1)] == ["there is", "a dax"]


def test_half_a_character_at_the_end_of_an_answer_is_marked_and_a_whole_one_kept():
    body = answered("X").body.replace(b'"X"', rb'"a \ud83d\ude00 b \ud83d"')
    outcome = outcome_of_answer(body)
    assert outcome.text == "a \U0001f600 b \ufffd"


def test_an_answer_without_counts_or_with_odd_ones_has_none():
    body = json.loads(answered("x").body)
    odd = {**body, "usage": {"prompt_tokens": True, "completion_tokens": -1}}
    huge = {**body, "usage": {"prompt_tokens": 10**400, "completion_tokens": 1.5}}
    del body["usage"]
    bodies = [json.dumps(each).encode() for each in (body, odd, huge)]
    with serving(script(*(Response(body=each) for each in bodies))) as server:
        client, replies = ask(server, count=3)
    counts = [(reply.prompt_tokens, reply.completion_tokens) for reply in replies.values()]
    assert counts == [(None, None)] * 3
    assert client.totals.prompt_tokens == 0


class TestReadingAnything:
    @given(st.binary(max_size=200))
    def test_any_bytes_come_to_an_outcome(self, body):
        outcome = outcome_of_answer(body)
        assert bool(outcome.text) != bool(outcome.failure)
        assert read_error(body, None).message.isprintable()

    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "message", "content", "usage", "error", "code", "type", "text",
                     "refusal", "finish_reason", "param", "innererror", "prompt_tokens"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )  # fmt: skip

    @given(json_values)
    def test_any_json_comes_to_an_outcome(self, value):
        body = json.dumps(value).encode()
        outcome = outcome_of_answer(body)
        assert bool(outcome.text) != bool(outcome.failure)
        assert read_error(body, "secret").message.isprintable()
