"""Borderline pairs, decided by key."""

import re

from isekai_gen.records import last_decisions
from tests.browser.looking import decided, ids_shown, left_in, press, tops_within_seconds, until
from tests.browser.workspaces import pairs_for_people, status_of


def shorter_side(picture) -> float:
    """Square pictures are fitted into their boxes by it."""
    box = picture.bounding_box()
    return min(box["width"], box["height"])


def test_opens_with_the_pair_closest_to_the_limit(page, workspace):
    first, *others = pairs_for_people(workspace)
    assert all(first["similarity"] >= other["similarity"] for other in others)
    assert sorted(ids_shown(page)) == first["images"]
    assert f"{first['similarity']:.3f}" in page.locator(".similarity").inner_text()
    assert left_in(page, "duplicates") == len(others) + 1


def test_d_and_n_decide_and_show_the_next_pair(page, workspace):
    before = left_in(page, "duplicates")
    first = press(page, "d")
    second = press(page, "n")
    said = decided(workspace, 2)
    assert [(d.images, d.choice, d.by) for d in said] == [
        (tuple(sorted(first)), "duplicate", "ada"),
        (tuple(sorted(second)), "not_duplicate", "ada"),
    ]
    until(lambda: left_in(page, "duplicates") == before - 2)


def test_1_and_2_drop_the_left_and_the_right_image(page, workspace):
    kept = status_of(workspace)["kept"]
    left, _ = press(page, "1")
    _, right = press(page, "2")
    said = decided(workspace, 2)
    assert [(d.images, d.choice) for d in said] == [((left,), "drop"), ((right,), "drop")]
    assert status_of(workspace)["kept"] == kept - 2


def test_u_takes_back_and_shows_the_pair_again(page, workspace):
    before = left_in(page, "duplicates")
    first = press(page, "d")
    press(page, "n")
    decided(workspace, 2)
    for number in (3, 4):
        page.keyboard.press("u")
        said = decided(workspace, number)
    assert last_decisions(said) == {}
    until(lambda: ids_shown(page) == first)
    until(lambda: left_in(page, "duplicates") == before)


def test_s_skips_and_the_arrow_leads_back_and_nothing_is_recorded(page, workspace):
    first = press(page, "s")
    press(page, "ArrowRight")
    press(page, "ArrowLeft")
    press(page, "ArrowLeft")
    assert ids_shown(page) == first
    assert decided(workspace, 0) == []


def test_a_note_goes_with_the_decision(page, workspace):
    page.keyboard.press("m")
    page.get_by_label("Note").last.fill("other paws")
    page.keyboard.press("Enter")
    page.get_by_text("Note: other paws").wait_for()
    press(page, "n")
    assert decided(workspace, 1)[0].note == "other paws"


def test_a_note_without_a_decision_survives_a_reload(page, workspace):
    page.keyboard.press("m")
    page.get_by_label("Note").last.fill("other paws")
    page.keyboard.press("Enter")
    page.reload()
    page.get_by_text("Note: other paws").wait_for()
    press(page, "n")
    assert decided(workspace, 1)[0].note == "other paws"
    page.reload()
    page.locator(".stage img").first.wait_for()
    assert page.get_by_text("Note: other paws").count() == 0


def test_letters_typed_into_a_note_decide_nothing(page, workspace):
    page.keyboard.press("m")
    page.keyboard.type("dn12u")
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    press(page, "s")
    assert decided(workspace, 0) == []


def test_v_shows_the_pair_in_turn_and_as_its_difference(watch, server):
    # A clock that was put into a browser's context stays there.
    page = watch.open(server, context=watch.context())
    assert page.locator(".stage").get_attribute("data-mode") == "side"
    page.clock.install()
    page.keyboard.press("v")
    assert tops_within_seconds(page) == {"left", "right"}
    page.keyboard.press("Space")
    assert len(tops_within_seconds(page)) == 1
    page.keyboard.press("v")
    note = page.locator(".stage[data-mode=difference] figcaption")
    until(lambda: re.search(r"differences . 4\b", note.inner_text()))
    page.keyboard.press("a")
    until(lambda: re.search(r"differences . 16\b", note.inner_text()))


def test_f_flickers_while_it_is_held(page):
    page.keyboard.down("f")
    page.locator(".stage[data-mode=flicker]").wait_for()
    page.keyboard.up("f")
    page.locator(".stage[data-mode=side]").wait_for()


def test_z_shows_both_pictures_as_large_as_they_fit(page):
    shown = shorter_side(page.locator(".stage img").first)
    page.keyboard.press("z")
    zoomed = page.locator("dialog.zoom img")
    assert zoomed.count() == 2
    assert shorter_side(zoomed.first) > shown
    page.keyboard.press("z")
    page.locator("dialog").wait_for(state="detached")


def test_the_key_list_names_every_key_of_the_view(page):
    page.keyboard.press("?")
    listed = page.locator("dialog.help kbd").all_inner_texts()
    assert {"D", "N", "1", "2", "S", "←", "→", "M", "Z", "F", "V", "U", "?", "T"} <= set(listed)
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")


def test_at_the_end_of_the_queue_it_says_so(page, workspace):
    pairs = len(pairs_for_people(workspace))
    for _ in range(pairs):
        press(page, "n")
    page.get_by_text("All decided.").wait_for()
    assert len(decided(workspace, pairs)) == pairs
    until(lambda: left_in(page, "duplicates") == 0)


def test_a_slow_hand_on_the_key_decides_only_once(page, workspace):
    before = ids_shown(page)
    page.keyboard.down("d")
    page.keyboard.down("d")
    page.keyboard.down("d")
    page.keyboard.up("d")
    until(lambda: ids_shown(page) != before)
    assert [d.images for d in decided(workspace, 1)] == [tuple(sorted(before))]
