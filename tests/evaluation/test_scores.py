import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.evaluation.conditions import Condition
from isekai_gen.evaluation.protocols import Answer
from isekai_gen.evaluation.scores import ConditionScores, Scored, chance_of
from isekai_gen.records import Episode, NamedImage


def scored(number, label, said="", failure="", labels=("dax", "wug"), tokens=None):
    truth = Episode(str(number), (), NamedImage(f"{number}.png", label, label), labels)
    return Scored(truth, Answer(str(number), said, failure, tokens, tokens))


SCORES = ConditionScores(
    Condition(2),
    [
        scored(1, "dax", "a dax", tokens=10),
        scored(2, "wug", "a dax", tokens=5),
        scored(3, "dax", "dax or wug"),
        scored(4, "wug", "a Wug"),
        scored(5, "dax", failure="refused"),
        scored(6, "wug", "hm"),
        scored(6, "wug", "hm", tokens=7),
    ],
)


def test_every_number_of_a_tiny_evaluation():
    row = SCORES.to_json(["lcl", "strict"])
    lcl, strict = row["metrics"]["lcl"], row["metrics"]["strict"]
    assert (lcl["asked"], lcl["right"], lcl["wrong"], lcl["failed"]) == (7, 1, 5, 1)
    assert (strict["asked"], strict["right"], strict["wrong"], strict["failed"]) == (7, 2, 4, 1)
    assert strict["accuracy"] == pytest.approx(2 / 7)
    # Wilson, 2 of 7 at 95 %.
    assert strict["interval"] == pytest.approx([0.0822, 0.6411], abs=1e-4)
    assert row["labels_named"] == {"one": 3, "several": 1, "none": 2}
    assert row["failures"] == {"refused": 1}
    assert (row["shots"], row["shots_per_label"]) == (2, 1)
    assert strict["by_side"]["positive"]["asked"] == 3
    assert strict["by_side"]["negative"]["right"] == 1
    assert {key: tally["right"] for key, tally in strict["by_concept"].items()} == {
        "dax": 1,
        "wug": 1,
    }


def test_an_answer_to_equal_questions_is_paid_for_once():
    assert SCORES.to_json(["lcl"])["prompt_tokens"] == 10 + 5 + 7
    twice = ConditionScores(Condition(0), [scored(1, "dax", "dax", tokens=3)] * 2)
    assert twice.to_json(["lcl"])["completion_tokens"] == 3


def test_tokens_that_no_model_counts_are_not_zero():
    unknown = ConditionScores(Condition(0), [scored(1, "dax", "dax")])
    assert unknown.to_json(["lcl"])["prompt_tokens"] is None


def test_chance_is_a_guess_or_always_the_same_side():
    episodes = [scored(n, label).truth for n, label in enumerate(["dax", "dax", "wug"])]
    assert chance_of(episodes).guess == 0.5
    assert chance_of(episodes).majority == pytest.approx(2 / 3)
    three = [scored(0, "c", labels=("a", "b", "c")).truth]
    assert chance_of([*episodes, *three]).guess == pytest.approx((3 / 2 + 1 / 3) / 4)


def test_sides_of_more_than_two_labels_are_numbered():
    assert scored(0, "c", labels=("a", "b", "c")).side == "3"


SAID = st.sampled_from(["dax", "wug", "dax wug", "", "x"])


@given(st.lists(st.tuples(st.sampled_from(["dax", "wug"]), SAID, st.booleans()), min_size=1))
def test_numbers_add_up_by_concept_and_by_side(drawn):
    rows = [
        scored(n, label, "" if failed else said, "timed out" if failed else "")
        for n, (label, said, failed) in enumerate(drawn)
    ]
    scores = ConditionScores(Condition(0), rows)
    for metric in ("lcl", "strict"):
        total = scores.tally(metric)
        assert total.asked == total.right + total.wrong + total.failed
        assert min(total.right, total.wrong, total.failed) >= 0
        for parts in (scores.by_concept(metric), scores.by_side(metric)):
            for count in ("asked", "right", "wrong", "failed"):
                assert sum(getattr(part, count) for part in parts.values()) == getattr(total, count)
