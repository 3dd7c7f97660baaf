"""A reload loses nothing, and two tabs agree."""

from tests.browser.looking import decided, ids_shown, left_in, press, until
from tests.browser.watched import go_to
from tests.browser.workspaces import pairs_for_people


def test_a_reload_in_mid_work_keeps_the_place(page, workspace):
    press(page, "s")
    press(page, "d")
    here = ids_shown(page)
    page.reload()
    go_to(page, page.url.partition("#")[2])
    until(lambda: ids_shown(page) == here)
    assert len(decided(workspace, 1)) == 1


def test_a_reload_right_after_a_key_loses_no_decision(page, workspace):
    for _ in range(4):
        page.keyboard.press("n")
        page.reload()
        page.locator(".stage img").first.wait_for()
    assert len({d.images for d in decided(workspace, 4)}) == 4


def test_a_second_tab_sees_what_the_first_decides(watch, server):
    person = watch.context()
    first, second = (watch.open(server, context=person) for _ in range(2))
    pair, before = ids_shown(first), left_in(second, "duplicates")
    assert ids_shown(second) == pair
    press(first, "d")
    until(lambda: left_in(second, "duplicates") == before - 1)
    until(lambda: ids_shown(second) == ids_shown(first) != pair)


def test_two_tabs_that_decide_at_once_lose_nothing(watch, server, workspace):
    person = watch.context()
    first, second = (watch.open(server, context=person) for _ in range(2))
    go_to(second, "consistency")
    before = left_in(first, "duplicates")
    for _ in range(4):
        first.keyboard.press("n")
        second.keyboard.press("k")
    said = decided(workspace, 8)
    assert sum(len(d.images) == 2 for d in said) == 4
    assert len({d.images for d in said}) == 8
    until(lambda: left_in(second, "duplicates") == left_in(first, "duplicates") == before - 4)


def test_a_command_that_decides_meanwhile_is_seen(page, workspace):
    from isekai_gen.stages.decisions import append_decisions, decide
    from isekai_gen.workspace import Workspace

    before, pair = left_in(page, "duplicates"), pairs_for_people(workspace)[-1]
    append_decisions(Workspace(workspace), [decide(pair["images"], "duplicate", "bo")])
    until(lambda: left_in(page, "duplicates") == before - 1)
