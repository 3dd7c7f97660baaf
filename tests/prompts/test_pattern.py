import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.prompts.pattern import article_for, parse_pattern


@pytest.mark.parametrize(
    ("words", "article"),
    [
        ("hedgehog", "a"),
        ("octopus vacuum", "an"),
        ("umbrella", "an"),
        ("unicorn", "a"),
        ("unimportant thing", "an"),
        ("used car", "a"),
        ("ugly duck", "an"),
        ("European hare", "a"),
        ("one-eyed cat", "a"),
        ("onion", "an"),
        ("hourglass", "an"),
        ("honest fox", "an"),
        ("honeybee", "a"),
        ("x-ray", "an"),
        ("LED lamp", "an"),
        ("USB fan", "a"),
        ("8-legged goat", "an"),
        ("11 cats", "an"),
        ("100 cats", "a"),
        ("élan", "an"),
        (" , orange cat", "an"),
        ("", ""),
        ("...", ""),
    ],
)
def test_the_article_follows_the_spelling(words, article):
    assert article_for(words) == article


def test_the_article_fits_the_word_that_is_there_after_filling():
    pattern = parse_pattern("{a} {size} {short}")
    assert pattern.fill({"size": "", "short": "octopus"}) == "an octopus"
    assert pattern.fill({"size": "big", "short": "octopus"}) == "a big octopus"


def test_two_articles_each_look_at_their_own_word():
    pattern = parse_pattern("{a} {short} on {a} {color} background")
    assert pattern.fill({"short": "cat", "color": "orange"}) == "a cat on an orange background"


def test_empty_values_leave_no_double_space_and_no_stray_comma():
    pattern = parse_pattern("{x}, big {y} cat , {y}, {x}")
    assert pattern.fill({"x": "", "y": ""}) == "big cat"


def test_doubled_braces_are_braces():
    assert parse_pattern("a {{cat}} {x}").fill({"x": "b"}) == "a {cat} b"


def test_slots_are_named_once_in_order_without_the_article():
    assert parse_pattern("{b} {a} {short} {b}").slots == ("b", "short")


@pytest.mark.parametrize(
    "text", ["{", "}", "a {b", "b} a", "{a {b}", "{}", "{B}", "{b c}", "{0.x}"]
)
def test_wrong_braces_are_refused(text):
    with pytest.raises(ValueError, match=r"unbalanced|is no slot"):
        parse_pattern(text)


def test_a_missing_value_is_a_wrong_call():
    with pytest.raises(KeyError):
        parse_pattern("{x}").fill({})


@given(st.text("{}xa ", max_size=12))
def test_values_are_never_parsed(value):
    filled = parse_pattern("<{x}>").fill({"x": value})
    assert filled == " ".join(f"<{value}>".split())


@given(st.lists(st.sampled_from(["{{", "}}", "{x}", "w", " "]), max_size=12))
def test_parsing_and_filling_keeps_every_word_and_brace(parts):
    filled = parse_pattern("".join(parts)).fill({"x": "V"})
    expected = "".join({"{{": "{", "}}": "}", "{x}": "V"}.get(part, part) for part in parts)
    assert filled == " ".join(expected.split())
