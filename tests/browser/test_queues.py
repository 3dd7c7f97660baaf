"""Groups, overlap, consistency and audit, by key; the page's numbers are the server's."""

import json

import pytest

from isekai_gen.records import last_decisions
from tests.browser.looking import VIEWS, decided, ids_shown, left_in, press, until
from tests.browser.watched import go_to
from tests.browser.workspaces import decisions_in, status_of
from tests.small_jobs import call

QUEUES = VIEWS[:-1]
# Yes, no and unsure to a question.
ANSWERS = {
    "duplicate": ("duplicate", "not_duplicate", "unsure"),
    "drop": ("drop", "keep", "unsure"),
}


def told_by_the_server(page) -> dict:
    return page.evaluate("() => fetch('/api/summary').then(answer => answer.json())")


def check_numbers(page) -> None:
    """What the header says is what the server counts, and what it says after a reload."""
    queues = {each["name"]: each["left"] for each in told_by_the_server(page)["queues"]}
    until(lambda: {name: left_in(page, name) for name in QUEUES} == queues)


def marked_in(page) -> list[str]:
    """What each member of the group is marked as."""
    return page.locator(".member").evaluate_all(
        "all => all.map(each => `${each.className} ${each.innerText}`)"
    )


def refuse(route) -> None:
    route.fulfill(status=400, json={"error": "it cannot be meant"})


def sample_of(workspace):
    return workspace / "reports" / "audit" / "sample.jsonl"


def in_page(watch, server, view):
    page = watch.open(server, view)
    page.locator(".actions").wait_for()
    return page


def test_another_representative_is_kept_and_the_next_group_is_shown(watch, server, workspace):
    page = in_page(watch, server, "groups")
    before, members = left_in(page, "groups"), ids_shown(page)
    marked = page.locator(".member .star:visible")
    assert marked.inner_text() == "representative"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("r")
    (said,) = decided(workspace, 1)
    assert (said.choice, said.images[0] in members) == ("keep", True)
    until(lambda: set(ids_shown(page)).isdisjoint(members))
    until(lambda: left_in(page, "groups") == before - 1)
    check_numbers(page)


def test_a_member_is_no_duplicate_of_the_representative(watch, server, workspace):
    page = in_page(watch, server, "groups")
    members = set(ids_shown(page))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("n")
    (said,) = decided(workspace, 1)
    assert said.choice == "not_duplicate"
    assert set(said.images) <= members
    check_numbers(page)


def test_members_of_a_group_are_dropped_and_the_drop_is_taken_back(watch, server, workspace):
    page = in_page(watch, server, "groups")
    before = status_of(workspace)["kept"]
    page.keyboard.press("x")
    decided(workspace, 1)
    assert status_of(workspace)["kept"] == before - 1
    check_numbers(page)
    page.keyboard.press("u")
    decided(workspace, 2)
    assert status_of(workspace)["kept"] == before
    check_numbers(page)


def test_a_refused_decision_is_not_shown_as_one(watch, server, workspace):
    watch.expect("400")
    page = in_page(watch, server, "groups")
    before, first = left_in(page, "groups"), marked_in(page)
    page.route("**/api/decisions", refuse)
    for key in ("x", "r"):
        page.keyboard.press("ArrowRight")
        page.keyboard.press(key)
        page.locator("#status").get_by_text("Not recorded").wait_for()
        until(lambda: marked_in(page) == first)
        page.locator("#status").evaluate("status => status.replaceChildren()")
    go_to(page, "consistency")
    page.keyboard.press("x")
    page.locator("#status").get_by_text("Not recorded").wait_for()
    assert page.locator(".member.is-dropped").count() == 0
    assert left_in(page, "groups") == before
    assert decided(workspace, 0) == []


def test_another_representative_takes_the_place_of_the_one_chosen_before(watch, server, workspace):
    page = in_page(watch, server, "groups")
    members = ids_shown(page)
    page.keyboard.press("r")
    until(lambda: set(ids_shown(page)).isdisjoint(members))
    page.keyboard.press("[")
    until(lambda: ids_shown(page) == members)
    page.keyboard.press("ArrowRight")
    chosen = page.locator(".member[aria-selected=true] img").get_attribute("src")
    page.keyboard.press("r")
    in_force = last_decisions(decided(workspace, 3))
    assert [images[0] in chosen for images in in_force] == [True]


def test_overlap_keeps_and_drops_with_a_reason(watch, server, workspace):
    page = in_page(watch, server, "overlap")
    assert page.locator(".nearest li").count() > 1
    (first,) = press(page, "k")
    (second,) = ids_shown(page)
    page.keyboard.press("x")
    page.get_by_role("dialog").get_by_text("looks real").wait_for()
    page.keyboard.press("1")
    said = decided(workspace, 2)
    assert [(d.images, d.choice, d.reason) for d in said] == [
        ((first,), "keep", ""),
        ((second,), "drop", "looks real"),
    ]
    check_numbers(page)


def test_a_reason_menu_that_is_closed_drops_nothing(watch, server, workspace):
    page = in_page(watch, server, "overlap")
    page.keyboard.press("x")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    press(page, "s")
    assert decided(workspace, 0) == []


def test_a_concept_s_images_begin_with_the_least_typical(watch, server, workspace):
    page = in_page(watch, server, "consistency")
    words = page.locator(".member .state").all_inner_texts()
    typical = [float(each.split()[-1]) for each in words]
    assert typical == sorted(typical)
    kept = status_of(workspace)["by_concept"]["cactihog"]["kept"]
    assert len(typical) == kept > 2


def test_a_concept_is_gone_through_by_key(watch, server, workspace):
    page = in_page(watch, server, "consistency")
    images = ids_shown(page)
    page.keyboard.press("x")
    page.keyboard.press("k")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("x")
    said = decided(workspace, 4)
    assert [(d.images[0], d.choice) for d in said] == [
        (images[0], "drop"),
        (images[1], "keep"),
        (images[2], "drop"),
        (images[3], "drop"),
    ]
    assert page.locator(".member.is-dropped").count() >= 3
    page.keyboard.press("u")
    decided(workspace, 6)
    until(lambda: page.locator(".member.is-dropped").count() == 1)
    check_numbers(page)


def test_all_the_rest_of_a_concept_is_kept_at_once(watch, server, workspace):
    page = in_page(watch, server, "consistency")
    before, images = left_in(page, "consistency"), ids_shown(page)
    page.keyboard.press("a")
    until(lambda: set(ids_shown(page)).isdisjoint(images))
    assert {d.choice for d in decided(workspace, len(images))} == {"keep"}
    until(lambda: left_in(page, "consistency") == before - 1)
    check_numbers(page)


def test_brackets_lead_from_concept_to_concept(watch, server):
    page = in_page(watch, server, "consistency")
    first = press(page, "]")
    press(page, "[")
    assert ids_shown(page) == first


def test_an_image_is_dropped_and_kept_again_by_touch(watch, server, workspace):
    page = in_page(watch, server, "consistency")
    for number, choice in enumerate(("drop", "keep"), start=1):
        page.locator(".member").first.click()
        assert decided(workspace, number)[-1].choice == choice


def test_the_audit_does_not_tell_what_the_filter_said(watch, server, workspace):
    page = in_page(watch, server, "audit")
    for line in sample_of(workspace).read_text().splitlines():
        told = json.loads(line)
        words = page.locator("#view").inner_text()
        assert told["reason"] not in words
        assert "dropped" not in words.lower()
        page.keyboard.press("s")


@pytest.mark.parametrize(("key", "answer"), [("y", 0), ("n", 1), ("q", 2)])
def test_an_audit_answer_is_read_by_the_audit_and_is_no_decision(
    watch, server, workspace, key, answer
):
    page = in_page(watch, server, "audit")
    before = left_in(page, "audit")
    first = json.loads(sample_of(workspace).read_text().splitlines()[0])
    press(page, key)
    answers = sample_of(workspace).with_name("answers.jsonl")
    until(answers.exists)
    told = json.loads(answers.read_text())
    assert (told["id"], told["answer"]) == (first["id"], ANSWERS[first["ask"]][answer])
    assert decisions_in(workspace) == []
    call("audit", "-w", workspace, "--answers", answers)
    until(lambda: left_in(page, "audit") == before - 1)
    check_numbers(page)


def test_g_leads_through_all_views(watch, server):
    page = watch.open(server)
    for view in (*VIEWS[1:], VIEWS[0]):
        page.keyboard.press("g")
        page.locator(f".view-{view}").wait_for()


def test_a_queue_that_does_not_exist_leads_to_one_with_something_left(watch, server):
    page = watch.open(server)
    page.goto(f"{server.origin}/#nowhere")
    page.locator(".view-duplicates img").first.wait_for()


def test_the_counters_add_up_to_status(watch, server, workspace):
    page = in_page(watch, server, "consistency")
    for key in ("x", "x", "k"):
        page.keyboard.press(key)
    decided(workspace, 3)
    status = status_of(workspace)
    words = f"{status['kept']} kept"
    until(lambda: words in " ".join(page.locator("#header").inner_text().split()))
    counts = told_by_the_server(page)["counts"]
    assert {key: counts[key] for key in counts} == {key: status[key] for key in counts}
    go_to(page, "browse")
    assert f"{status['planned']} images" in page.locator(".browse-count").inner_text()
