"""Whatever is sent: no fault, nothing from outside, and no change without the right to it."""

import json
import string
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isekai_gen.review import routes_reading
from isekai_gen.review.security import HEADERS
from tests.review.listed_images import ListedImages
from tests.review.running import TOKEN, running

FIRST, SECOND = f"{0:020x}", f"{1:020x}"
OUTSIDE = "what lies outside"
ANSWERED = {200, 303, 304, 400, 403, 404, 405, 409, 413}
EXAMPLES = 250

METHODS = ["GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"]
STARTS = [
    "/", "/api/", "/api/summary", "/api/queue/", "/api/queue/duplicates", "/api/images",
    "/api/image/", "/api/changes", "/api/decisions", "/api/undo", "/api/search", "/picture/",
    "/thumb/", "/reference/", "//", "/app.js",
]  # fmt: skip
PIECES = [
    "..", "../", "/../", "%2e%2e/", "%2e%2e%2f", "..%5c", "%00", "%0d%0a", "secret.txt", ".review",
    "decisions.jsonl", FIRST, "f" * 20, "A" * 3000, "%ff%fe", "%ED%A0%80", "é", "٣", "?", "&", "=",
    "limit=1", "limit=99999999999999999999", "offset=-1", "size=160", "since=0", "since=1e9",
    "slot.a=b", "slot.=", "concept=x", "kind=real", "token=", f"token={TOKEN}x", "#", ";", "~",
]  # fmt: skip
paths = st.builds(
    lambda start, pieces: start + "".join(pieces),
    st.sampled_from(STARTS),
    st.lists(
        st.one_of(
            st.sampled_from(PIECES),
            st.text(max_size=8).map(lambda text: quote(text.encode("utf-8", "surrogatepass"))),
        ),
        max_size=6,
    ),
)
words = st.one_of(
    st.sampled_from(
        [FIRST, SECOND, "keep", "drop", "duplicate", "unsure", "", "\x00", "../a", "q"]
    ),
    st.text(string.printable, max_size=8),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)
saying = st.fixed_dictionaries(
    {"images": st.one_of(values, st.lists(words, max_size=3)), "choice": words},
    optional={"reason": values, "note": values, "question": values, "by": values},
)
bodies = st.one_of(
    st.binary(max_size=40),
    values.map(lambda value: json.dumps(value).encode()),
    st.lists(saying, max_size=3).map(lambda told: json.dumps({"sayings": told}).encode()),
    st.fixed_dictionaries({}, optional={"text": values, "picture": values, "limit": values}).map(
        lambda asked: json.dumps(asked).encode()
    ),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("fuzz")
    (root / "secret.txt").write_text(OUTSIDE)
    source = ListedImages(root / "dataset")
    (source.root / "images" / "link.png").symlink_to(root / "secret.txt")
    source.pictures["e" * 20] = source.root / "images" / "link.png"
    kept = routes_reading._WAIT_SECONDS
    routes_reading._WAIT_SECONDS = 0.05
    with running(source) as started:
        yield started
    routes_reading._WAIT_SECONDS = kept


def check(answer):
    assert answer.status in ANSWERED, (answer.status, answer.body)
    assert OUTSIDE.encode() not in answer.body
    assert TOKEN.encode() not in answer.body
    # What is no HTTP at all does not reach the application.
    if answer.body != b"Invalid HTTP request received.":
        assert all(answer.headers[name.lower()] == value for name, value in HEADERS.items())
        if answer.status >= 400 and answer.body:
            assert list(answer.json()) == ["error"]
            assert "\n" not in answer.json()["error"]
            assert "Traceback" not in answer.json()["error"]
            assert "/dataset" not in answer.json()["error"]


fuzzed = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)


@fuzzed
@given(st.sampled_from(METHODS), paths, bodies)
def test_no_request_of_the_page_ends_in_a_fault(server, method, path, body):
    told = {"content-length": str(len(body)), "origin": f"http://{server.host}"}
    told["content-type"] = "application/json"
    check(server.ask(method, path, told, body))


@fuzzed
@given(
    st.sampled_from(["/api/decisions", "/api/undo", "/api/search"]),
    bodies,
)
def test_no_body_ends_in_a_fault(server, path, body):
    check(server.ask("POST", path, {}, body))


RIGHT = json.dumps({"sayings": [{"images": [FIRST], "choice": "drop"}]}).encode()
wrong_headers = st.sampled_from(
    [
        {"host": "evil.example"},
        {"host": None},
        {"host": "localhost"},
        {"host": "127.0.0.1:80"},
        {"cookie": None},
        {"cookie": "a=b; c"},
        {"cookie": f"isekai-gen-review-1={TOKEN}"},
        {"cookie": TOKEN},
        {"origin": None},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "https://127.0.0.1"},
        {"content_type": "text/plain"},
        {"content_type": None},
    ]
)
noise = st.dictionaries(
    st.sampled_from(["accept", "x-forwarded-for", "x-forwarded-host", "x-http-method-override"]),
    st.sampled_from(["*", "127.0.0.1", "POST", "GET", "evil.example"]),
)


@fuzzed
@given(
    st.sampled_from(["/api/decisions", "/api/undo", "/api/decisions/", "//api/decisions"]),
    wrong_headers,
    noise,
)
def test_nothing_changes_without_the_right_to_it(server, path, wrong, more):
    before = server.source.lines()
    answer = server.ask("POST", path, {**more, **wrong}, RIGHT)
    check(answer)
    assert answer.status in (400, 403, 404)
    assert server.source.lines() == before


def test_what_those_requests_send_would_be_taken_with_the_right(server):
    before = len(server.source.lines())
    assert server.ask("POST", "/api/decisions", {}, RIGHT).status == 200
    assert len(server.source.lines()) == before + 1
