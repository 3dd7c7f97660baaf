"""The page comes from the package, and only what lies in its folder."""

import pytest

from isekai_gen.review.routes_page import PAGE


def test_the_page_is_served_and_asked_for_again_each_time(server):
    first = server.get("/")
    assert first.body == (PAGE / "index.html").read_bytes()
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    again = server.get("/", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_every_file_of_the_page_is_served(server):
    kinds = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
    files = [path for path in PAGE.iterdir() if path.suffix in kinds]
    assert len(files) > 2
    for path in files:
        answer = server.get(f"/{path.name}")
        assert answer.body == path.read_bytes()
        assert answer.headers["content-type"].startswith(kinds[path.suffix])


@pytest.mark.parametrize(
    "path",
    ["/security.py", "/../security.py", "/%2e%2e/security.py", "/..%2fsecurity.py", "//etc/passwd",
     "/page/app.js", "/app.js/", "/%00", "/.", "/..", "/app.js%00"],
)  # fmt: skip
def test_nothing_else_is(server, path):
    assert server.get(path).status == 404
