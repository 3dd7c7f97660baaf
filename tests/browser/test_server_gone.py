"""A server that is killed, and started again on its port: nothing is lost."""

import pytest

from tests.browser.looking import decided, press, until
from tests.browser.review_server import start_review
from tests.browser.workspaces import decisions_in

# What Chromium itself says of requests to a server that is not there, or not the one it knew.
SERVER_GONE = ("net::ERR_", "403")


@pytest.fixture
def server(own_server):
    return own_server


def kept_in_browser(page) -> int:
    """How many decisions wait for the server."""
    return page.evaluate(
        "() => Object.keys(localStorage).filter(name => name.includes('.unsent:')).length"
    )


@pytest.mark.slow
def test_what_is_decided_while_the_server_is_gone_arrives_when_it_is_back(watch, server, workspace):
    watch.expect(*SERVER_GONE)
    person = watch.context()
    page = watch.open(server, context=person)
    press(page, "d")
    until(lambda: kept_in_browser(page) == 0)
    server.kill()
    pairs = [tuple(sorted(press(page, "n"))) for _ in range(3)]
    banner = page.locator("#banner")
    banner.get_by_text("3 decisions are kept in this browser").wait_for()
    assert len(decisions_in(workspace)) == 1
    again = start_review(workspace, port=server.port)
    try:
        banner.get_by_text("open the address").wait_for()
        watch.open(again, context=person)
        said = decided(workspace, 4)
        assert [d.images for d in said[1:]] == pairs
        until(lambda: banner.inner_text() == "")
    finally:
        watch.close()
        again.stop()


def test_a_closed_tab_s_unsent_decisions_are_sent_by_the_next(watch, server, workspace):
    watch.expect(*SERVER_GONE)
    person = watch.context()
    page = watch.open(server, context=person)
    server.kill()
    pair = press(page, "d")
    page.close()
    again = start_review(workspace, port=server.port)
    try:
        watch.open(again, context=person)
        assert [d.images for d in decided(workspace, 1)] == [tuple(sorted(pair))]
    finally:
        watch.close()
        again.stop()


@pytest.mark.parametrize(
    ("status", "body"), [(200, "<p>Welcome</p>"), (404, "{'no': such page"), (404, '{"detail": 1}')]
)
def test_what_another_program_answers_at_the_port_loses_no_decision(
    watch, server, workspace, status, body
):
    watch.expect("404", *SERVER_GONE)
    page = watch.open(server)
    page.route("**/api/*", lambda route: route.fulfill(status=status, body=body))
    press(page, "d")
    page.locator("#banner").get_by_text("1 decision is kept in this browser").wait_for()
    page.unroute("**/api/*")
    decided(workspace, 1)
    until(lambda: kept_in_browser(page) == 0)


def test_the_banner_says_which_port_to_start_the_server_on(watch, server):
    watch.expect(*SERVER_GONE)
    page = watch.open(server)
    server.kill()
    page.locator("#banner").get_by_text(f"--port {server.port}").wait_for()
