from fractions import Fraction

import pytest

from isekai_gen.prompts.articles import article_for, sure_article
from isekai_gen.prompts.expansion import expand_prompts
from isekai_gen.prompts.pattern import NO_PATTERN, literal_pattern, parse_pattern
from isekai_gen.prompts.template_set import Template, TemplateSet, WeightedText
from isekai_gen.records import Concept


def filled(text: str, **values: str) -> str:
    """The only prompt of a template whose slots have one value each."""
    lists = {
        name: (WeightedText(literal_pattern(value), Fraction(1)),) for name, value in values.items()
    }
    template = Template("t", Fraction(1), parse_pattern(text), NO_PATTERN)
    concept = Concept("cat", "cat", "real", "cat", "cat", "a cat")
    (prompt,) = expand_prompts(TemplateSet(lists, (template,)), concept, [0], 0)
    return prompt.text


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


@pytest.mark.parametrize("words", ["one", "one-", "on'", " ", "", "x-"])
def test_a_word_that_may_go_on_has_no_sure_article(words):
    assert sure_article(words) is None


def test_the_article_fits_the_word_that_is_there_after_filling():
    assert filled("{a} {size} {thing}", size="", thing="octopus") == "an octopus"
    assert filled("{a} {size} {thing}", size="big", thing="octopus") == "a big octopus"


def test_two_articles_each_look_at_their_own_word():
    text = filled("{a} {name} on {a} {color} background", color="orange")
    assert text == "a cat on an orange background"


def test_empty_values_leave_no_double_space_and_no_stray_comma():
    assert filled("{x}, big {y} cat , {y}, {x}", x="", y="") == "big cat"


def test_slots_are_named_once_in_order_without_the_article():
    assert parse_pattern("{b} {a} {short|{c}} {b}").slots == ("b", "c")


@pytest.mark.parametrize("value", ["{name}", "a|b", "{x|y}", "__x__", "\\{", "2::x", "}"])
def test_what_a_concept_says_is_never_parsed(value):
    assert filled("<{x}>", x=value) == f"<{value}>"
