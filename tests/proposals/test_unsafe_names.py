"""Words that nobody should publish are told with their reason, plain words are left alone."""

import pytest

from isekai_gen.prompts.imagenet_names import read_imagenet_names
from isekai_gen.proposals.genus import family_of
from isekai_gen.proposals.unsafe_names import unsafe_findings, unsafe_words
from tests.proposals.check_entries import GOOD, OTHER, fictional, real


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a teapot with the head of Mickey Mouse", ("mickey mouse", "somebody owns")),
        ("Coca-Cola cans", ("coca cola", "a brand")),
        ("a McDonald's box", ("mcdonalds", "a brand")),
        ("a gory corpse", ("gory", "violent")),
        ("two Playstations", ("playstation", "a brand")),
    ],
)
def test_words_are_found_whole_in_any_spelling(text, found):
    words, reason = unsafe_words(text)
    assert words == found[0]
    assert found[1] in reason


@pytest.mark.parametrize("text", ["a mouse by a mickey", "sexton beetle", "a legoland", ""])
def test_words_that_only_contain_them_are_left_alone(text):
    assert unsafe_words(text) is None


def test_the_field_and_the_reason_are_told():
    brand = fictional(description="a hedgehog of Lego bricks with a tail of cactus spines")
    (found,) = unsafe_findings(brand, read_imagenet_names())
    assert (found.code, found.part, found.field) == ("unsafe_words", "fictional", "description")
    assert "'lego' in the description of 'cactihog' is a brand" in found.message


@pytest.mark.parametrize("name", ["plumber", "plumber teapot", "scuba divers"])
def test_names_of_people_are_refused(name):
    (found,) = unsafe_findings(fictional(name=name), read_imagenet_names())
    assert (found.code, found.field, found.refuses) == ("names_people", "name", True)
    assert "is people: n" in found.message


def test_a_nurse_shark_is_no_nurse():
    imagenet = read_imagenet_names()
    assert not [*unsafe_findings(real(name="nurse shark", wnids=()), imagenet)]
    made = fictional(name="nurse kettle", parents=("nurse shark", "kettle"))
    assert not [*unsafe_findings(made, imagenet)]
    assert [*unsafe_findings(fictional(name="nurse kettle"), imagenet)]


def test_people_are_told_from_things_by_their_wnid():
    imagenet = read_imagenet_names()
    people = {wnid for wnid in imagenet.classes_1k if family_of(wnid) == "person"}
    assert people == {"n09835506", "n10148035", "n10565667"}
    for name, family in {"messiah": "person", "sandstorm": "other", "parhelion": "other"}.items():
        assert [family_of(wnid) for wnid in imagenet.wnids_of(name)] == [family]


def test_plain_groups_are_safe():
    imagenet = read_imagenet_names()
    assert not [*unsafe_findings(GOOD, imagenet), *unsafe_findings(OTHER, imagenet)]
