"""Which slot values go with a concept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.evaluation.shortcut_slots import associated_slots

PLACES = ("at night", "in the snow", "on a beach")
BINDINGS = st.lists(
    st.dictionaries(st.sampled_from(["place", "size"]), st.sampled_from(["a", "b", "c"])),
    max_size=12,
)


def spread(count, **more):
    return [{"place": PLACES[number % 3], **more} for number in range(count)]


def test_a_place_that_is_one_concepts_alone_comes_first():
    own = [{"place": "in a meadow", "size": ("big", "small")[number % 2]} for number in range(8)]
    others = [{**each, "size": "big"} for each in spread(24)]
    first, second = associated_slots(own, others, ())
    assert (first.slot, first.value) == ("place", "in a meadow")
    assert (first.share_within, first.share_elsewhere) == (1.0, 0.0)
    assert first.over_used
    assert first.information > second.information > 0


def test_a_place_that_all_concepts_share_says_nothing():
    (found,) = associated_slots(spread(9), spread(30), ())
    assert found.information == pytest.approx(0)
    assert not found.over_used


def test_a_slot_that_tells_the_concept_exactly_has_all_the_information():
    (found,) = associated_slots([{"place": "here"}] * 4, [{"place": "there"}] * 12, ())
    assert found.information == pytest.approx(1)


def test_pictures_whose_template_lacks_the_slot_count_as_such():
    own = [{"place": "in a meadow"}] * 2 + [{}] * 6
    (found,) = associated_slots(own, [{}] * 24, ())
    assert found.share_within == 0.25
    assert found.over_used


def test_the_concepts_own_words_are_left_out():
    own = [{"short": "hedgehog", "place": "at night"}] * 3
    assert [each.slot for each in associated_slots(own, spread(9), ("short",))] == ["place"]


def test_a_lone_concept_has_nothing_to_be_told_from():
    (found,) = associated_slots([{"place": "at night"}] * 3, [], ())
    assert found.information == 0


@given(BINDINGS, BINDINGS, st.randoms())
def test_the_order_of_pictures_is_no_matter(own, others, random):
    found = associated_slots(own, others, ())
    random.shuffle(own)
    random.shuffle(others)
    assert associated_slots(own, others, ()) == found
    assert all(0 <= each.information <= 1 for each in found)
    assert all(0 < each.share_within <= 1 for each in found)
