import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.evaluation.metrics import (
    ANSWER,
    is_right_lcl,
    is_right_strict,
    named_labels,
    spoken,
)

PAIR = ("icemic", "ice cream")
RIGHT = 'there is "icemic" in the image.'


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (RIGHT, True),
        ("icemic", True),
        ('there is "ice cream" in the image.', False),
        ("either icemic or ice cream", False),
        ("no idea", False),
        ("", False),
        ("Icemic", False),  # the answer keeps its capitals
        ("icemics", True),  # inside a longer word
        ("icemic, and Ice Cream", True),  # the other is looked for in lower case only
    ],
)
def test_lcl_goes_by_substrings_of_the_answer_as_it_is(said, right):
    assert is_right_lcl(said, "icemic", PAIR) is right


@pytest.mark.parametrize(
    ("label", "other"),
    [("Kit Fox", "weasel"), ("potter's wheel", "vase"), ("st. bernard", "pug")],
)
def test_lcl_never_finds_a_label_that_its_target_is_stripped_of(label, other):
    assert not is_right_lcl(ANSWER.format(label), label, (label, other))
    assert is_right_strict(ANSWER.format(label), label, (label, other))


def test_lcl_counts_a_label_within_the_other_as_both():
    assert not is_right_lcl(ANSWER.format("ice cream"), "ice cream", ("cream", "ice cream"))
    assert is_right_strict(ANSWER.format("ice cream"), "ice cream", ("cream", "ice cream"))


def test_lcl_takes_every_answer_for_a_label_of_the_sentence():
    assert is_right_lcl("there is a dog in the image", "image", ("image", "cat"))
    # Of its own sentence nothing is left but the label, if it is no part of what is cut out.
    assert is_right_lcl(ANSWER.format("cat"), "there", ("there", "dog"))


def test_lcl_takes_the_last_other_name_of_a_pair():
    # Both names differ from the target "potters wheel": the last one counts as the other.
    pair = ("vase", "potter's wheel")
    assert is_right_lcl("potters wheel, no vase", "potter's wheel", pair)


def test_lcl_with_more_labels_wants_none_of_the_others():
    labels = ("dax", "wug", "fep")
    assert is_right_lcl("a wug", "wug", labels)
    assert not is_right_lcl("a wug or dax", "wug", labels)
    assert not is_right_lcl("a wug or fep", "wug", labels)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("An ICEMIC!", ("icemic",)),
        ("icemics", ()),
        ("ice-cream", ("ice cream",)),
        ("ice\ncream or icemic", ("icemic", "ice cream")),
        ("icecream", ()),
        ("", ()),
    ],
)
def test_labels_are_named_as_whole_words_without_case_and_punctuation(said, named):
    assert named_labels(said, PAIR) == named


def test_a_longer_label_does_not_also_name_the_shorter_within_it():
    labels = ("fox", "red fox")
    assert named_labels("a red fox", labels) == ("red fox",)
    assert named_labels("a fox", labels) == ("fox",)
    assert named_labels("a red fox and a fox", labels) == ("fox", "red fox")


LABEL = st.text(st.characters(codec="utf-8", categories=("L", "Nd", "Zs", "Po")), max_size=12)
LABELS = st.lists(LABEL.filter(spoken), min_size=2, max_size=4, unique_by=spoken)


@given(LABELS, st.data())
def test_strict_takes_the_sentence_of_a_label_for_that_label_alone(labels, data):
    said = data.draw(st.sampled_from(labels))
    sentence = f'"{said}"'
    for label in labels:
        assert is_right_strict(sentence, label, labels) is (label == said)


@given(LABELS)
def test_strict_never_rewards_naming_all(labels):
    assert not any(is_right_strict(" / ".join(labels), label, labels) for label in labels)


@given(st.text(max_size=40), LABELS)
def test_strict_gives_at_most_one_label_right(said, labels):
    assert sum(is_right_strict(said, label, labels) for label in labels) <= 1
