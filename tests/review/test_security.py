"""Nobody but the one who was given the address sees or changes anything."""

import pytest

from isekai_gen.review.security import HEADERS, Gate
from tests.review.running import TOKEN, exchange

FIRST = f"{0:020x}"
SAYING = {"sayings": [{"images": [FIRST], "choice": "drop"}]}
ASKED = [
    "/",
    "/app.js",
    "/api/summary",
    "/api/queue/duplicates",
    "/api/images",
    f"/api/image/{FIRST}",
    "/api/changes?since=7",
    f"/picture/{FIRST}",
    f"/thumb/{FIRST}",
    "/reference/a",
    "/nowhere",
]


def test_the_printed_address_gives_a_cookie_and_leads_to_the_page_without_the_token(server):
    address = server.gate.address
    assert address == f"http://{server.host}/?token={TOKEN}"
    entered = server.get(address.removeprefix(f"http://{server.host}"), cookie=None)
    assert (entered.status, entered.headers["location"]) == (303, "/")
    cookie, *attributes = entered.headers["set-cookie"].split("; ")
    assert {a.lower() for a in attributes} == {"httponly", "path=/", "samesite=strict"}
    assert server.get("/api/summary", cookie=cookie).status == 200


def test_a_link_on_another_site_leads_to_the_page_too(server):
    # Its redirect would come without the strict cookie.
    entered = server.get(f"/?token={TOKEN}", cookie=None, sec_fetch_site="cross-site")
    assert entered.status == 200
    assert b'content="0;url=/"' in entered.body
    assert "set-cookie" in entered.headers


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "x", "%C3%A9", "%ED%A0%80"])
def test_another_token_gives_nothing(server, token):
    refused = server.get(f"/?token={token}", cookie=None)
    assert refused.status == 403
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("cookie", [None, "other=1", "{name}=", "{name}=wrong", "{name}=é"])
def test_nothing_is_shown_without_the_cookie(server, path, cookie):
    told = cookie and cookie.format(name=server.gate.cookie)
    refused = server.get(path, cookie=told)
    assert refused.status == 403
    assert "isekai-gen review" in refused.json()["error"]


def test_a_cookie_of_a_server_at_another_port_is_another(server):
    other = Gate("another", server.gate.port + 1)
    both = f"{other.cookie}=another; {server.cookie}"
    assert server.get("/api/summary", cookie=both).status == 200


@pytest.mark.parametrize("host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", None])
def test_another_host_is_refused(server, host):
    told = host and host.format(port=server.gate.port)
    assert server.get("/api/summary", host=told).status in (400, 403)


def test_two_hosts_are_refused(server):
    lines = f"Host: {server.host}\r\nHost: evil.example\r\nCookie: {server.cookie}"
    request = f"GET /api/summary HTTP/1.1\r\n{lines}\r\nConnection: close\r\n\r\n"
    assert exchange(server.gate.port, request.encode()).status in (400, 403)


def test_localhost_is_this_machine_too(server):
    host = f"localhost:{server.gate.port}"
    assert server.get("/api/summary", host=host).status == 200
    assert server.post("/api/decisions", SAYING, host=host, origin=f"http://{host}").status == 200


@pytest.mark.parametrize(
    "origin", [None, "null", "", "http://evil.example", "http://127.0.0.1:1", "http://localhost"]
)
@pytest.mark.parametrize("path", ["/api/decisions", "/api/undo", "/api/search"])
def test_changes_come_from_the_page_only(server, path, origin):
    assert server.post(path, SAYING, origin=origin).status == 403
    assert server.source.lines() == []
    assert server.source.asked == []


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_form_of_another_page_is_no_decision(server, kind):
    assert server.post("/api/decisions", SAYING, content_type=kind).status == 400
    assert server.source.lines() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST"])
def test_other_methods_change_nothing(server, method):
    path = "/api/summary" if method == "POST" else "/api/decisions"
    assert server.ask(method, path).status in (403, 405)
    assert server.source.lines() == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *[(path, None) for path in ASKED],
        ("/api/summary/", 404),
        ("/api/queue/unknown", 404),
        ("/api/images?limit=0", 400),
        ("/api/decisions", 405),
    ],
)
def test_every_answer_goes_out_with_the_headers(server, path, status):
    answer = server.get(path)
    assert status in (None, answer.status)
    assert all(answer.headers[name.lower()] == value for name, value in HEADERS.items())
    assert "cache-control" in answer.headers
    assert "server" not in answer.headers
    refused = server.get(path, cookie=None)
    assert all(refused.headers[name.lower()] == value for name, value in HEADERS.items())


def test_the_token_does_not_show_where_the_gate_is_printed(server):
    assert TOKEN not in repr(server.gate)


@pytest.mark.parametrize(
    ("path", "length"), [("/api/decisions", 1_000_001), ("/api/search", 8_000_001)]
)
def test_a_body_that_is_too_large_is_refused(server, path, length):
    assert server.ask("POST", path, {}, b" " * length).status == 413


def test_a_body_that_hides_its_length_is_refused_too(server):
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    told = {"content-length": None, "transfer-encoding": "chunked"}
    assert server.ask("POST", "/api/decisions", told, piece * 20 + b"0\r\n\r\n").status == 413
