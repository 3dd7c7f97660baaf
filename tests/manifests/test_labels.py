import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.manifests.names import (
    check_label,
    check_label_pair,
    normalize_label,
    suggest_label,
)
from tests.upstream_reader import ANSWER, other_name, stripped

NAMES = st.text(alphabet="abcIS tehrimagn.\"'-<>[]/é", min_size=0, max_size=20)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "Cactihog",
        "st. bernard",
        "jack-o'-lantern",
        'a "cat"',
        "ice  cream",
        "icemic ",
        "ice\tcream",
        "image",
        "the",
        "an <image> of it",
        "x</s>",
        "what there is not",
    ],
)
def test_refuses_a_name_that_breaks_the_metric(name):
    assert check_label(name)


@pytest.mark.parametrize("name", ["cactihog", "ice cream", "mushroom haven", "jack-o-lantern"])
def test_accepts_a_plain_name(name):
    assert check_label(name) == []


@pytest.mark.parametrize(
    ("a", "b"),
    [("icemic", "Icemic"), ("cream", "ice cream"), ("red fox", "fox"), ("fox in", "red fox")],
)
def test_refuses_a_pair_the_metric_cannot_tell_apart(a, b):
    assert check_label_pair(a, b)
    assert check_label_pair(b, a)


def test_a_normalized_name_keeps_its_words():
    assert normalize_label(" Jack-O'-Lantern  No. 5 ") == "jack-o-lantern no 5"


@given(NAMES)
def test_normalizing_twice_changes_nothing(name):
    once = normalize_label(name)
    assert normalize_label(once) == once


@given(NAMES, NAMES)
def test_an_accepted_pair_is_scored_rightly_by_the_upstream_metric(a, b):
    a, b = normalize_label(a), normalize_label(b)
    if check_label(a) or check_label(b) or check_label_pair(a, b):
        return
    for label, other in ((a, b), (b, a)):
        target = stripped(ANSWER.format(label))
        wrong = other_name([a, b], target)
        right_answer, wrong_answer = ANSWER.format(label), ANSWER.format(other)
        assert target in right_answer
        assert wrong not in right_answer
        assert target not in wrong_answer


@given(NAMES, st.lists(NAMES, max_size=4))
def test_a_suggested_label_breaks_no_rule(name, others):
    rivals = [other for other in map(normalize_label, others) if not check_label(other)]
    label = suggest_label(name, rivals)
    assert not label or not check_label(label)
    assert not label or not any(check_label_pair(label, rival) for rival in rivals)


@pytest.mark.parametrize(
    ("name", "other", "suggested"),
    [
        ("image", "hedgehog", "image thing"),
        ("cream", "ice cream", "cream thing"),
        ("<image>", "hedgehog", "thing"),
        ("there is a fox", "hedgehog", "a fox thing"),
        ("red fox", "fox", ""),
    ],
)
def test_a_suggestion_is_close_to_the_name_or_there_is_none(name, other, suggested):
    assert suggest_label(name, [other]) == suggested
