"""Axe finds nothing serious, and everything can be reached and done without a pointer."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.browser.looking import VIEWS, decided, ids_shown, tops_within_seconds, until
from tests.browser.watched import go_to

DIALOGS = (("duplicates", "?"), ("duplicates", "m"), ("overlap", "x"), ("browse", "Enter"))
SERIOUS = ("serious", "critical")


def serious_findings(page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html']}"
        for each in violations
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_axe_finds_nothing_serious_on_any_view(watch, server, scheme):
    page = watch.open(server, color_scheme=scheme)
    for view in VIEWS:
        go_to(page, view)
        assert serious_findings(page) == [], view


# The other theme than that of the views, so that `make test` sees both.
@pytest.mark.parametrize("scheme", ["dark", pytest.param("light", marks=pytest.mark.long)])
def test_axe_finds_nothing_serious_in_dialogs(watch, server, scheme):
    page = watch.open(server, color_scheme=scheme)
    for view, key in DIALOGS:
        go_to(page, view)
        page.keyboard.press(key)
        page.get_by_role("dialog").wait_for()
        assert serious_findings(page) == [], (view, key)
        page.keyboard.press("Escape")
        page.locator("dialog").wait_for(state="detached")


def test_the_page_is_dark_where_the_system_is_and_t_turns_it(watch, server):
    page = watch.open(server, color_scheme="dark")

    def brightness() -> float:
        with Image.open(io.BytesIO(page.screenshot())) as seen:
            return float(np.asarray(seen.convert("L"))[-1].mean())

    assert brightness() < 80
    page.keyboard.press("t")
    until(lambda: brightness() > 180)
    page.reload()
    go_to(page, "duplicates")
    assert brightness() > 180


def test_tab_reaches_every_control_and_the_focus_is_seen(watch, server):
    page = watch.open(server)
    controls = page.locator("a[href]:visible, button:visible:not([tabindex='-1'])").count()
    reached = set()
    for _ in range(controls + 3):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "() => document.activeElement.outerHTML.slice(0, 200)"
                " + getComputedStyle(document.activeElement).outlineStyle"
            )
        )
    assert sum(each.endswith(("solid", "auto")) for each in reached) >= controls


def test_a_screen_reader_is_told_of_each_decision(watch, server):
    page = watch.open(server)
    spoken = page.locator("#live")
    assert spoken.get_attribute("aria-live") == "polite"
    page.keyboard.press("d")
    until(lambda: spoken.inner_text() == "Duplicate. 16 left.")
    page.keyboard.press("u")
    until(lambda: spoken.inner_text() == "Undone: Duplicate.")


def test_pictures_are_named_by_their_prompts(watch, server):
    page = watch.open(server)
    names = page.locator(".stage img").evaluate_all("all => all.map(each => each.alt)")
    assert len(names) == 2
    assert all("vacuum cleaner" in name for name in names)


def test_a_button_pressed_by_keyboard_does_what_its_key_does(watch, server, workspace):
    page = watch.open(server)
    pair = ids_shown(page)
    page.get_by_role("button", name="Not a duplicate").focus()
    page.keyboard.press("Enter")
    until(lambda: ids_shown(page) != pair)
    assert decided(workspace, 1)[0].choice == "not_duplicate"


def test_nothing_moves_by_itself_where_motion_is_unwanted(watch, server):
    page = watch.open(server, reduced_motion="reduce")
    page.clock.install()
    page.keyboard.press("v")
    assert len(tops_within_seconds(page)) == 1


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (820, 1180)])
def test_every_view_fits_the_screen(watch, server, width, height):
    page = watch.open(server, viewport={"width": width, "height": height})
    for view in VIEWS:
        go_to(page, view)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, view
        actions = page.locator(".actions .action").all()
        boxes = [action.bounding_box() for action in actions]
        assert all(box["y"] + box["height"] <= height for box in boxes), view
        assert all(box["height"] >= 44 for box in boxes), view
        assert len({box["y"] for box in boxes}) <= 1, f"{view}: buttons on several lines"
