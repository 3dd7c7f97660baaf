"""Other tabs learn of a decision at once, wherever it was made."""

import threading
from contextlib import ExitStack, contextmanager

from isekai_gen.errors import ChecksumError
from isekai_gen.review import routes_changes, routes_reading
from tests.review.running import SECONDS, running

FIRST = f"{0:020x}"
SAYING = {"sayings": [{"images": [FIRST], "choice": "drop"}]}


def fail():
    raise ChecksumError("sample.jsonl:1: damaged")


@contextmanager
def waiting_for_changes(server, monkeypatch):
    """The answers of /api/changes, the first by the end of the block; it waits as that begins."""
    looked, version, answers = threading.Event(), server.source.version, []

    def look():
        found = version()
        looked.set()
        return found

    monkeypatch.setattr(server.source, "version", look)
    waiting = threading.Thread(
        target=lambda: answers.append(server.get("/api/changes?since=0")), daemon=True
    )
    waiting.start()
    assert looked.wait(SECONDS)
    assert answers == []
    yield answers
    waiting.join(SECONDS)
    assert len(answers) == 1


def test_another_version_is_told_at_once(server):
    assert server.get("/api/changes?since=5").json() == {"version": "0"}


def test_a_decision_on_this_server_wakes_who_waits(server, monkeypatch):
    monkeypatch.setattr(routes_changes, "_LOOK_EVERY", 3600)
    monkeypatch.setattr(routes_reading, "_WAIT_SECONDS", 3600)
    with waiting_for_changes(server, monkeypatch) as answers:
        server.post("/api/decisions", SAYING)
    assert answers[0].json() == {"version": "1"}


def test_a_decision_that_another_process_appends_is_noticed(server, monkeypatch):
    monkeypatch.setattr(routes_reading, "_WAIT_SECONDS", 3600)
    with waiting_for_changes(server, monkeypatch) as answers:
        server.source.decisions_file.write_text('{"images": []}\n')
    assert answers[0].json() == {"version": "1"}


def test_nothing_new_is_told_after_a_while(server, monkeypatch):
    monkeypatch.setattr(routes_reading, "_WAIT_SECONDS", 0.2)
    assert server.get("/api/changes?since=0").json() == {"version": "0"}


def test_waiting_asks_the_source_for_its_version_alone(server, monkeypatch):
    monkeypatch.setattr(routes_reading, "_WAIT_SECONDS", 0.3)
    asked = []
    monkeypatch.setattr(server.source, "summary", lambda: asked.append(1))
    assert server.get("/api/changes?since=0").json() == {"version": "0"}
    assert asked == []


def test_a_version_that_cannot_be_told_is_an_error_and_not_the_end(server, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(server.source, "version", fail)
        answer = server.get("/api/changes?since=0")
    assert (answer.status, answer.json()) == (409, {"error": "sample.jsonl:1: damaged"})
    assert server.get("/api/changes?since=5").json() == {"version": "0"}


def test_who_waits_does_not_hold_up_the_end(source, monkeypatch):
    monkeypatch.setattr(routes_changes, "_LOOK_EVERY", 3600)
    monkeypatch.setattr(routes_reading, "_WAIT_SECONDS", 3600)
    with ExitStack() as end:
        server = end.enter_context(running(source))
        with waiting_for_changes(server, monkeypatch) as answers:
            end.close()
    assert answers[0].json() == {"version": "0"}
