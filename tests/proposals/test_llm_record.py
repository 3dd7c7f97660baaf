"""Calls on disk: none is paid twice, none is over budget, whatever happens in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.errors import ChecksumError, ModelError
from isekai_gen.proposals.llm_calls import CALLS_FILE, SENT_FILE
from isekai_gen.proposals.llm_unused import UNUSED_FILE
from isekai_gen.proposals.records import Slate
from tests.evaluation.chat_server import Response, answered, refused, serving
from tests.proposals.llm_inventor import Script, invent
from tests.proposals.llm_job import QUICK, engine_of, fill, refuse_names_with

KEY = "sk-very-secret"
SMALL = {"groups_per_round": 4, "groups_per_call": 2}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("ISEKAI_GEN_API_KEY", KEY)


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def bodies(server):
    return [json.dumps(received.body, sort_keys=True) for received in server.received]


def test_every_call_is_recorded_with_prompt_and_answer_and_without_the_key(tmp_path):
    with serving(Script(None, answered("{"))) as server:
        fill(engine_of(server, tmp_path), 2)
    calls = lines_of(tmp_path / CALLS_FILE)
    assert [call["role"] for call in calls] == ["planner", "maker", "repair"]
    assert [call["messages"] for call in calls] == [
        received.body["messages"] for received in server.received
    ]
    assert calls[1]["text"] == "{"
    assert calls[0]["prompt_tokens"] == 100
    assert all(call["sent"] == 1 for call in calls)
    assert server.received[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in (tmp_path / CALLS_FILE).read_text()


def test_played_again_everything_is_found_in_the_record(tmp_path):
    check = refuse_names_with("mu")
    with serving(Script(None, answered("{"), answered("["))) as server:
        first = fill(engine_of(server, tmp_path, **SMALL), 6, check)
        asked = len(server.received)
        files = [tmp_path / name for name in (CALLS_FILE, SENT_FILE, UNUSED_FILE)]
        before = [path.read_bytes() for path in files]
        engine = engine_of(server, tmp_path, **SMALL)
        again = fill(engine, 6, check)
    assert again == first
    assert first.refused  # or the test would not see rounds that follow from findings
    assert len(server.received) == asked == engine.totals.sent == engine.totals.from_record
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize("killed_at", [1, 6])
def test_a_run_killed_in_the_middle_of_a_call_goes_on_to_the_same_result(tmp_path, killed_at):
    check = refuse_names_with("mu")
    with serving(invent) as server:
        address = f"openai:{server.base_url}#inventor"
        whole = fill(engine_of(address, tmp_path / "whole", **SMALL), 8, check)
        server.received.clear()
        command = [sys.executable, "-m", "tests.proposals.llm_job", address, "killed", "8"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
        started = []

        def killing(received):
            if len(server.received) == killed_at:
                os.kill(started[0].pid, signal.SIGKILL)
            return invent(received)

        server.answering = killing
        started.append(subprocess.Popen(command, cwd=tmp_path, env=environment))
        assert started[0].wait(60) == -signal.SIGKILL
        server.answering = invent
        engine = engine_of(address, tmp_path / "killed", **SMALL)
        resumed = fill(engine, 8, check)
    assert resumed == whole
    assert whole.refused
    sent = Counter(bodies(server))
    # Only the request under way when the process died was sent again, and it counts twice.
    assert sorted(sent.values()) == [1] * (len(sent) - 1) + [2]
    assert engine.totals.sent == len(server.received)


def test_what_was_unusable_stays_on_disk_when_a_later_round_is_played_alone(tmp_path):
    with serving(Script(answered("none"), answered("neither"))) as server:
        proposals = engine_of(server, tmp_path).propose(Slate(1))
        server.answering = Script(answered("nothing"), answered("nought"))
        engine_of(server, tmp_path).propose(Slate(2, tuple(proposals)))
    reasons = [line["reason"] for line in lines_of(tmp_path / UNUSED_FILE)]
    assert len(reasons) == 2


def test_a_torn_last_line_is_repaired_and_its_call_made_again(tmp_path):
    with serving(invent) as server:
        first = fill(engine_of(server, tmp_path, **SMALL), 4)
        calls = tmp_path / CALLS_FILE
        calls.write_bytes(calls.read_bytes()[:-20])
        again = fill(engine_of(server, tmp_path, **SMALL), 4)
    assert again == first
    assert Counter(Counter(bodies(server)).values()) == {1: 2, 2: 1}


def test_a_damaged_line_is_named(tmp_path):
    with serving(invent) as server:
        fill(engine_of(server, tmp_path), 2)
        calls = tmp_path / CALLS_FILE
        calls.write_text(calls.read_text().replace('"sent": 1', '"sent": "one"', 1))
        with pytest.raises(ChecksumError, match=r"calls\.jsonl:1: .*delete the line"):
            engine_of(server, tmp_path)


@pytest.mark.parametrize("passing", [refused(429, "slow down"), refused(500, "oops")])
def test_what_passes_is_tried_again_and_every_try_counts(tmp_path, passing):
    with serving(Script(passing, None, passing, passing)) as server:
        engine = engine_of(server, tmp_path)
        slate = fill(engine, 2)
    assert len(slate.accepted) == 2
    assert engine.totals.sent == len(server.received) == 5
    assert [call["sent"] for call in lines_of(tmp_path / CALLS_FILE)] == [2, 3]


def test_a_call_that_fails_all_its_tries_ends_the_run_and_the_next_goes_on(tmp_path):
    oops = refused(500, "out of memory")
    with serving(Script(None, oops, oops, oops)) as server:
        with pytest.raises(ModelError, match=r"one request was given up .*out of memory"):
            fill(engine_of(server, tmp_path), 2)
        engine = engine_of(server, tmp_path)
        slate = fill(engine, 2)
    assert len(slate.accepted) == 2
    assert engine.totals.sent == len(server.received) == 5
    failures = [call["failure"] for call in lines_of(tmp_path / CALLS_FILE)]
    assert failures == ["", "server error 500", ""]


def test_a_server_that_takes_too_long_ends_the_run(tmp_path):
    over = threading.Event()

    def keep_waiting(_):
        over.wait(60)
        return Response(body=b"{}")

    chat = replace(QUICK, timeout_seconds=0.1, max_tries=2)
    with serving(keep_waiting) as server:
        with pytest.raises(ModelError, match="timed out"):
            fill(engine_of(server, tmp_path, chat=chat), 2)
        over.set()
    assert len(lines_of(tmp_path / SENT_FILE)) == 2


def test_no_valid_key_is_recorded_and_told_without_the_key(tmp_path):
    with (
        serving(lambda _: refused(401, f"no such key {KEY}")) as server,
        pytest.raises(ModelError, match="set ISEKAI_GEN_API_KEY") as raised,
    ):
        fill(engine_of(server, tmp_path), 2)
    (call,) = lines_of(tmp_path / CALLS_FILE)
    assert "401" in call["failure"]
    assert KEY not in call["failure"] + str(raised.value)


def test_a_spent_budget_keeps_what_there_is_and_a_larger_one_goes_on(tmp_path):
    with serving(invent) as server:
        engine = engine_of(server, tmp_path, max_calls=2, **SMALL)
        part = fill(engine, 6)
        assert len(part.accepted) == 2
        assert "budget of 2 calls is spent" in engine.stopped
        again = engine_of(server, tmp_path, max_calls=2, **SMALL)
        assert fill(again, 6) == part
        assert len(server.received) == 2
        more = engine_of(server, tmp_path, max_calls=20, **SMALL)
        assert fill(more, 6).accepted[:2] == part.accepted
        assert len(Counter(bodies(server))) == len(server.received)
    assert more.stopped == ""


def test_a_try_that_only_names_the_length_otherwise_counts_too(tmp_path):
    newer = refused(400, "Unsupported parameter", param="max_tokens")
    with serving(Script(newer)) as server:
        engine = engine_of(server, tmp_path, max_calls=2)
        assert fill(engine, 2).accepted == ()
    assert len(server.received) == engine.totals.sent == 2


BAD = (
    None,
    refused(429, "slow down"),
    refused(500, "oops"),
    Response(200, b"<html>"),
    answered(None, refusal="no"),
    answered("{"),
    answered('{"slots": [], "entries": []}'),
    refused(400, "no", param="max_tokens"),
)


@settings(max_examples=8, deadline=None)
@given(
    script=st.lists(st.sampled_from(BAD), max_size=12),
    max_calls=st.integers(1, 6),
    runs=st.integers(1, 3),
)
def test_the_budget_is_never_exceeded(tmp_path_factory, script, max_calls, runs):
    folder = tmp_path_factory.mktemp("run")
    with serving(Script(*script)) as server:
        for _ in range(runs):
            engine = engine_of(server, folder, max_calls=max_calls, **SMALL)
            try:
                fill(engine, 6)
            except ModelError:
                continue
        received = len(server.received)
    assert received <= max_calls
    assert engine.totals.sent == received == len(lines_of(folder / SENT_FILE))
