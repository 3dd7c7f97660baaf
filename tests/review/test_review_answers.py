"""What is asked for reaches the source as it was meant, or is refused with a line that helps."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from isekai_gen.errors import InputError, StorageError
from isekai_gen.review.source import ImageQuery, Sender
from tests.review.running import running

FIRST, SECOND, THIRD = (f"{index:020x}" for index in range(3))


def told(*images, choice="keep", **more):
    return {"sayings": [{"images": list(images), "choice": choice, **more}]}


def test_the_summary_is_that_of_the_source(server):
    assert server.get("/api/summary").json() == server.source.summary()


def test_queues_go_on_behind_a_key(server):
    server.get("/api/queue/groups?after=k%C3%A9y&limit=7")
    server.get("/api/queue/audit")
    assert server.source.asked == [("groups", "kéy", 7), ("audit", "", 20)]


def test_images_are_asked_for_by_all_that_is_known(server):
    assert server.get("/api/images").status == 200
    server.get(
        "/api/images?concept=a&concept=b&kind=real&verdict=dropped&reason=person&template=t"
        "&slot.place=in+the+snow&order=closest&offset=100000&limit=500"
    )
    assert server.source.asked == [
        ImageQuery(),
        ImageQuery(
            ("a", "b"), ("real",), ("dropped",), ("person",), ("t",),
            {"place": "in the snow"}, "closest", 100_000, 500,
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/images?limit=501", "limit must be a whole number from 1 to 500"),
        ("/api/images?limit=%D9%A3", "limit must be"),
        ("/api/images?offset=-1", "offset must be"),
        ("/api/images?offset=99999999999999999999", "offset must be"),
        ("/api/images?order=name", "order must be concept or closest"),
        ("/api/images?kind=imaginary", "kind must be one of: fictional, real"),
        ("/api/images?verdict=lost", "verdict must be one of: kept, dropped"),
        ("/api/images?colour=red", "unknown parameter; known here: order, offset, limit"),
        ("/api/images?slot.=x", "unknown parameter"),
        ("/api/images?slot.a=x&slot.a=y", "slot.a is given twice"),
        ("/api/images?concept=%00", "concept has control characters"),
        (f"/api/images?concept={'a' * 501}", "concept must be a text of at most 500"),
        ("/api/images?" + "concept=a&" * 201, "at most 200 parameters"),
        ("/api/queue/audit?limit=0", "limit must be"),
        ("/api/queue/audit?after=a&after=b", "after is given twice"),
        ("/api/summary?x=1", "unknown parameter"),
        ("/api/changes?since=%00", "since has control characters"),
        ("/api/image/not-an-id", "an image id is 20 digits"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(server, path, said):
    answer = server.get(path)
    assert answer.status == 400
    assert answer.json()["error"].startswith(said)
    assert server.source.asked == []


@pytest.mark.parametrize("path", ["/api/queue/nothing", f"/api/image/{'f' * 20}", "/api/", "/api"])
def test_what_is_not_there_is_not_found(server, path):
    answer = server.get(path)
    assert answer.status == 404
    assert "there is no" in answer.json()["error"]


def test_decisions_are_recorded_and_counted(server):
    answer = server.post("/api/decisions", told(FIRST, SECOND, choice="duplicate", note="a\nb"))
    assert (answer.status, answer.json()["version"]) == (200, "1")
    [line] = server.source.lines()
    assert line == {
        "images": [FIRST, SECOND],
        "choice": "duplicate",
        "reason": "",
        "note": "a\nb",
        "question": "",
    }
    for _ in range(2):  # what is said again counts once
        server.post("/api/decisions", told(THIRD))
        server.post("/api/decisions", told(THIRD, choice="unsure", question="q1"))
    assert (server.site.tally.decisions, server.site.tally.answers) == (2, 1)


def test_what_is_taken_back_counts_no_more(server):
    assert server.post("/api/undo", {}).json()["undone"] == []
    server.post("/api/decisions", told(FIRST))
    [undone] = server.post("/api/undo", {}).json()["undone"]
    assert undone["images"] == [FIRST]
    assert server.site.tally.decisions == 0


def test_tab_and_request_are_told_to_the_source(server):
    named = {"tab": "t1", "request": "r1"}
    server.post("/api/decisions", told(FIRST) | named)
    server.post("/api/undo", named)
    assert server.source.asked == [Sender("t1", "r1")] * 2


@pytest.mark.parametrize(
    "body", [{"tab": 1}, {"request": "a" * 101}, {"tab": "a\nb"}, {"times": 2}, []]
)
def test_what_names_no_request_takes_nothing_back(server, body):
    server.post("/api/decisions", told(FIRST))
    assert server.post("/api/undo", body).status == 400
    assert len(server.source.lines()) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "send one JSON object"),
        ({}, "sayings must be a list of 1 to 500"),
        ({"sayings": []}, "sayings must be"),
        ({"sayings": [1]}, "send one JSON object"),
        (told(FIRST) | {"more": 1}, "unknown key; known here: sayings, tab, request"),
        (told(FIRST, choice="delete"), "choice must be one of: keep, drop"),
        (told(FIRST, choice=["keep"]), "choice must be"),
        (told(), "images must be a list of one id or two"),
        (told(FIRST, SECOND, THIRD), "images must be"),
        (told(FIRST, FIRST), "a pair needs two images"),
        (told("../../x"), "an image id is"),
        (told(7), "an image id is"),
        (told(FIRST, reason=3), "reason must be a text"),
        (told(FIRST, reason="a\nb"), "reason has control characters"),
        (told(FIRST, note="\ud800"), "note has control characters"),
        (told(FIRST, note="a" * 5001), "note must be a text of at most 5000"),
        (told(FIRST, by="someone"), "unknown key"),
        (told("f" * 20), f"there is no image {'f' * 20}"),
    ],
)
def test_what_is_no_decision_changes_nothing(server, body, said):
    answer = server.post("/api/decisions", body)
    assert answer.status == 400
    assert answer.json()["error"].startswith(said)
    assert server.source.lines() == []
    assert server.site.tally.decisions == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5000, b"NaN"])
def test_what_is_no_json_is_refused(server, body):
    assert server.ask("POST", "/api/decisions", {}, body).status == 400


def picture(width):
    written = io.BytesIO()
    Image.new("RGB", (width, 10), "red").save(written, "PNG")
    return written.getvalue()


def test_searches_are_by_text_or_by_picture(server):
    sent = picture(20)
    server.post("/api/search", {"text": " a shark ", "limit": 5})
    server.post("/api/search", {"picture": base64.b64encode(sent).decode()})
    assert server.source.asked == [("a shark", b"", 5), ("", sent, 100)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"text": "a", "picture": "b"}, 400),
        ({"text": " "}, 400),
        ({"text": 1}, 400),
        ({"text": "a", "limit": 0}, 400),
        ({"text": "a", "limit": True}, 400),
        ({"text": "a", "limit": 10**30}, 400),
        ({"picture": 5}, 400),
        ({"picture": "not base64!"}, 400),
        ({"picture": ""}, 409),
        ({"picture": base64.b64encode(b"<svg/>").decode()}, 409),
    ],
)
def test_what_is_no_search_reaches_no_encoder(server, body, status):
    assert server.post("/api/search", body).status == status
    assert server.source.asked == []


def test_errors_name_no_folder_of_this_machine(server, monkeypatch):
    line = server.post("/api/search", {"text": "a"}).json()["error"]
    assert line == "embeddings/starter: no encoder; run embed"

    def search(text, picture, limit):
        raise InputError("'/home/ada/models/clip.pt' is missing;\nkeep/drop it, see a/b/c")

    monkeypatch.setattr(server.source, "search", search)
    line = server.post("/api/search", {"text": "a"}).json()["error"]
    assert line == "'clip.pt' is missing; keep/drop it, see a/b/c"


def test_a_folder_of_one_letter_leaves_words_whole(source, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    source.root.rename("a")
    source.root = Path("a")

    def search(text, picture, limit):
        raise InputError("a/embeddings: that encoder is damaged; run a command in /home/a/b")

    source.search = search
    with running(source) as server:
        line = server.post("/api/search", {"text": "x"}).json()["error"]
    assert line == "embeddings: that encoder is damaged; run a command in b"


def test_a_fault_of_ours_says_nothing_of_itself(source, caplog):
    def break_down():
        raise KeyError("/secret/place")

    source.summary = break_down
    with running(source) as server:
        answer = server.get("/api/summary")
    assert answer.status == 500
    assert answer.json() == {"error": "a fault of the server; its terminal says more"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "/secret/place" in caplog.text


def test_a_full_disk_is_said(source):
    def fail(sayings, sender):
        raise StorageError(f"cannot write {source.decisions_file}: the disk is full")

    source.say = fail
    with running(source) as server:
        answer = server.post("/api/decisions", told(FIRST))
    assert answer.status == 409
    assert answer.json() == {"error": "cannot write decisions.jsonl: the disk is full"}
    assert server.site.tally.decisions == 0
