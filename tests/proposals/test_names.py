"""Names for invented things."""

from itertools import islice

import pytest

from isekai_gen.manifests.names import check_label, check_label_pair
from isekai_gen.proposals.commonness import web_words
from isekai_gen.proposals.names_taken import TakenNames


@pytest.fixture(scope="module")
def book(name_book):
    return name_book


def test_a_blend_comes_first(book):
    assert "snailpot" in islice(book.names_for("teapot", "snail"), 3)


def test_names_are_labels_that_the_metric_tells_from_the_counterpart(book):
    names = list(islice(book.names_for("hedgehog", "cactus"), 30))
    assert names
    for name in names:
        assert check_label(name) == []
        assert check_label_pair(name, "hedgehog") == []
        assert "hedgehog" not in name


def test_a_short_name_is_lent_by_the_kind(book):
    names = list(islice(book.names_for("owl", "cheese", ("bird of prey", "bird")), 40))
    assert any("bird" in name or "prey" in name for name in names)
    assert not any("owl" in name for name in names)


def test_two_words_come_last(book):
    names = list(book.names_for("vacuum cleaner", "octopus"))
    assert names[-1] == "octopus cleaner"
    assert " " not in names[0]


@pytest.mark.parametrize("word", ["hedgehog", "teapots", "hedgehag", "google", "sunshine"])
def test_words_and_near_names_of_real_things_are_taken(book, word):
    assert book.is_taken(word)


def test_a_new_word_is_not_taken(book):
    assert not book.is_taken("cactihog")


@pytest.mark.parametrize(
    ("body", "lender", "bad"),
    [
        ("titmouse", "grape", "tit"),
        ("titmouse", "grape", "rape"),
        ("cockatoo", "bass", "cock"),
        ("artichoke", "mongoose", "mongc"),
        ("forklift", "spoon", "spook"),
    ],
)
def test_unlucky_words_are_never_inside(book, body, lender, bad):
    names = list(book.names_for(body, lender))
    assert names
    assert not any(bad in name for name in names)


@pytest.mark.parametrize("other", ["cactihog", "cactihogs", "cactuhog", "my cactihog"])
def test_names_that_a_hasty_reader_confuses_clash(other):
    assert TakenNames(["cactihog"]).clash(other)


def test_names_that_differ_do_not_clash():
    assert not TakenNames(["cactihog", "snailpot"]).clash("frocycle")


def test_the_words_of_the_web_hold_brands_and_plain_words():
    assert {"ikea", "nintendo", "sunshine"} <= web_words()
