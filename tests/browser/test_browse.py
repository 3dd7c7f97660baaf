"""Browse: facets, the grid by key, one image in full."""

import re

import pytest

from tests.browser.looking import decided, until
from tests.browser.watched import go_to
from tests.browser.workspaces import status_of

CHOSEN = "[role=gridcell][tabindex='0']"


def shown_total(page) -> int | None:
    """None while it is being counted."""
    number = page.locator(".browse-count").inner_text().split()[0].replace(",", "")
    return int(number) if number.isdigit() else None


def choose(page, value: str) -> None:
    page.locator("aside").get_by_role("button", name=value).first.click()


def test_facets_narrow_and_stay_after_a_reload(watch, server):
    page = watch.open(server, "browse")
    status = status_of(server.root)
    until(lambda: shown_total(page) == status["planned"])
    choose(page, "dropped")
    dropped = sum(status["dropped"].values())
    until(lambda: shown_total(page) == dropped)
    choose(page, "cactihog")
    few = sum(status["by_concept"]["cactihog"]["dropped"].values())
    until(lambda: shown_total(page) == few != dropped)
    page.reload()
    page.locator(".browse-count").wait_for()
    until(lambda: shown_total(page) == few)


def test_the_arrows_walk_the_grid_and_k_and_x_decide(watch, server, workspace):
    page = watch.open(server, "browse")
    names = []
    for key in ("Home", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
        names.append(page.locator(CHOSEN).inner_text())
    assert len(set(names)) == 3
    page.keyboard.press("x")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("k")
    assert [d.choice for d in decided(workspace, 2)] == ["drop", "keep"]
    page.keyboard.press("u")
    assert decided(workspace, 3)[-1].choice == "undecided"


def test_enter_opens_an_image_with_all_that_is_known_of_it(watch, server):
    page = watch.open(server, "browse")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("isekai-gen reproduce").wait_for()
    words = dialog.inner_text()
    for each in ("seed", "starter", "near_duplicate"):
        assert each in words.lower().replace(" ", "_").replace("near-", "near_"), each
    first = dialog.locator("h2").inner_text()
    page.keyboard.press("ArrowRight")
    until(lambda: dialog.locator("h2").inner_text() != first)
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")


def test_the_reproduce_line_is_copied(watch, server):
    context = watch.context(permissions=["clipboard-read", "clipboard-write"])
    page = watch.open(server, "browse", context)
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Copy").click()
    dialog.get_by_text("Copied").wait_for()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith("isekai-gen reproduce ")


def test_a_similar_image_is_opened_in_place(watch, server):
    page = watch.open(server, "browse?concept=octopus-vacuum")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("isekai-gen reproduce").wait_for()
    first = dialog.locator("h2").inner_text()
    dialog.locator(".dialog-facts button:has(img)").first.click()
    until(lambda: dialog.locator("h2").inner_text() != first)
    page.keyboard.press("b")
    until(lambda: dialog.locator("h2").inner_text() == first)


@pytest.mark.slow  # loads the encoder
def test_search_by_words_puts_the_most_alike_first(watch, server):
    page = watch.open(server, "browse")
    page.keyboard.press("/")
    page.keyboard.type("a hedgehog")
    page.keyboard.press("Enter")
    found = page.locator(".grid-caption")
    until(lambda: re.match(r"0\.\d{3} ", found.first.inner_text()), seconds=60)
    alike = [float(each.split()[0]) for each in found.all_inner_texts()[:8]]
    assert alike == sorted(alike, reverse=True)


def test_what_is_decided_in_browse_shortens_the_queues(watch, server):
    page = watch.open(server)
    image = page.locator(".stage img").first.get_attribute("src").split("/")[2]
    before = page.locator("a.tab[href='#duplicates'] .count").inner_text()
    go_to(page, "browse")
    page.evaluate(
        "id => fetch('/api/decisions', {method: 'POST', headers: {'Content-Type':"
        " 'application/json'}, body: JSON.stringify({sayings: [{images: [id], choice: 'drop'}]})})",
        image,
    )
    until(lambda: page.locator("a.tab[href='#duplicates'] .count").inner_text() != before)
