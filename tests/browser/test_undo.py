"""Undo takes back what was said in this tab, as it was said; what changes elsewhere is seen."""

from isekai_gen.records import last_decisions
from isekai_gen.stages.decisions import append_decisions, decide
from isekai_gen.workspace import Workspace
from tests.browser.looking import decided, ids_shown, left_in, press, until
from tests.browser.workspaces import LIMITS, decisions_in, in_this_process
from tests.small_jobs import call


def asked(page, path: str) -> list[str]:
    """Bodies of the requests to a path, from now on."""
    bodies: list[str] = []
    page.on("request", lambda one: one.url.endswith(path) and bodies.append(one.post_data))
    return bodies


def spoken(page, words: str) -> None:
    page.locator("#status").get_by_text(words).wait_for()


def in_force(workspace, number: int) -> set[tuple[str, ...]]:
    return set(last_decisions(decided(workspace, number)))


def test_a_range_is_taken_back_by_one_request(watch, server, workspace):
    page = watch.open(server, "consistency")
    images = len(ids_shown(page))
    page.keyboard.press("a")
    decided(workspace, images)
    until(lambda: len(ids_shown(page)) > 0)
    undoing = asked(page, "/api/undo")
    page.keyboard.press("u")
    assert in_force(workspace, 2 * images) == set()
    spoken(page, f"Undone: Kept {images}.")
    assert len(undoing) == 1


def test_each_tab_takes_back_its_own(watch, server, workspace):
    person = watch.context()
    first, second = (watch.open(server, context=person) for _ in range(2))
    mine = tuple(sorted(press(first, "d")))
    decided(workspace, 1)
    until(lambda: ids_shown(second) == ids_shown(first))
    other = tuple(sorted(press(second, "n")))
    decided(workspace, 2)
    first.keyboard.press("u")
    assert in_force(workspace, 3) == {other}
    spoken(first, "Undone: Duplicate.")
    first.keyboard.press("u")
    spoken(first, "There is nothing to undo in this tab.")
    second.keyboard.press("u")
    assert in_force(workspace, 4) == set()
    assert mine != other


def test_keys_pressed_fast_take_effect_in_their_order(page, workspace):
    for key in ("n", "n", "u", "u", "d", "u"):
        page.keyboard.press(key)
    spoken(page, "Undone: Duplicate.")
    until(lambda: left_in(page, "duplicates") == 17)
    assert last_decisions(decisions_in(workspace)) == {}


def test_a_decision_that_arrived_unknown_to_the_browser_is_taken_back(watch, server, workspace):
    watch.expect("net::ERR_")
    page = watch.open(server)

    def lose_the_answer(route):
        route.fetch()
        route.abort("timedout")

    page.route("**/api/decisions", lose_the_answer)
    press(page, "d")
    # Routes are served while the page is asked something.
    until(lambda: page.evaluate("true") and decisions_in(workspace))
    page.keyboard.press("u")
    spoken(page, "Not undone: the server may have it already")
    page.unroute_all(behavior="wait")
    page.keyboard.press("u")
    spoken(page, "Undone: Duplicate.")
    assert in_force(workspace, 2) == set()
    until(lambda: left_in(page, "duplicates") == 17)


def test_a_reload_forgets_nothing_that_can_be_taken_back(page, workspace):
    press(page, "d")
    press(page, "n")
    decided(workspace, 2)
    page.reload()
    page.locator(".stage img").first.wait_for()
    for number in (3, 4):
        page.keyboard.press("u")
        decided(workspace, number)
    assert in_force(workspace, 4) == set()
    until(lambda: left_in(page, "duplicates") == 17)


def test_an_undo_that_changed_nothing_is_not_called_one(page, workspace):
    pair = tuple(sorted(press(page, "d")))
    page.keyboard.press("ArrowLeft")
    until(lambda: tuple(sorted(ids_shown(page))) == pair)
    press(page, "d")
    until(lambda: page.evaluate("() => Object.keys(localStorage).join()").count("unsent") == 0)
    page.keyboard.press("u")
    spoken(page, "Not undone (Duplicate): it stood before.")
    assert in_force(workspace, 1) == {pair}
    page.keyboard.press("u")
    assert in_force(workspace, 2) == set()


def test_what_another_person_changed_since_stays(watch, server, workspace):
    page = watch.open(server, "consistency")
    page.keyboard.press("x")
    (said,) = decided(workspace, 1)
    append_decisions(Workspace(workspace), [decide(said.images, "keep", "bo")])
    until(lambda: page.locator(".member.is-kept").count() == 1)
    page.keyboard.press("u")
    spoken(page, "Not undone (Dropped): something else was said since.")
    assert decided(workspace, 2)[-1].by == "bo"
    assert page.locator(".member.is-kept").count() == 1


def test_an_answer_to_the_audit_reaches_the_other_tab(watch, server):
    person = watch.context()
    first, second = (watch.open(server, "audit", person) for _ in range(2))
    before = left_in(second, "audit")
    press(first, "y")
    until(lambda: left_in(second, "audit") == before - 1)
    until(lambda: ids_shown(second) == ids_shown(first))


def test_images_judged_anew_are_seen_without_a_key(page, workspace):
    before = left_in(page, "duplicates")
    with in_this_process():
        call("dedupe", "-w", workspace, "--quiet", *LIMITS[:2], "--review-similarity", "0.5")
    until(lambda: left_in(page, "duplicates") < before, seconds=30)


def test_a_damaged_file_is_named_until_it_is_mended(watch, page, workspace):
    watch.expect("409")
    sample = workspace / "reports" / "audit" / "sample.jsonl"
    good = sample.read_bytes()
    sample.write_bytes(b"{}\n")
    banner = page.locator("#banner")
    banner.get_by_text("cannot show the dataset").wait_for()
    assert "sample.jsonl:1" in banner.inner_text()
    sample.write_bytes(good)
    until(lambda: banner.inner_text() == "")
